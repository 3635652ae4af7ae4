"""Evidently's drift preset, day by day: python with_evidently.py REFERENCE OUT FRAME...; or --speed REFERENCE FRAME.

Runs in Evidently's own environment. A frame is an .npz file with a column for each input, and `day`. OUT gets, by
frame, the largest score of an input of each day, and the score that half of the inputs reach, in units of thresholds.
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
from evidently.presets import DataDriftPreset

NOT_INPUTS = ("day", "output", "truth")


def read_frame(path: str) -> pd.DataFrame:
    with np.load(path) as columns:
        return pd.DataFrame({name: columns[name] for name in columns.files})


def define(frame: pd.DataFrame) -> DataDefinition:
    texts = [name for name in frame if frame[name].dtype == object]
    return DataDefinition(numerical_columns=[name for name in frame if name not in texts], categorical_columns=texts)


def run_preset(current: pd.DataFrame, reference: Dataset, definition: DataDefinition) -> list[float]:
    """The score of each input, in units of its threshold, as the preset reports it."""
    run = Report([DataDriftPreset()]).run(Dataset.from_pandas(current, data_definition=definition), reference)
    configs = [
        (metric["config"], float(metric["value"]))
        for metric in run.dict()["metrics"]
        if metric["config"]["type"].endswith("ValueDrift")
    ]
    return [in_thresholds(value, of["threshold"], is_p_value="p_value" in of["method"]) for of, value in configs]


def in_thresholds(value: float, threshold: float, *, is_p_value: bool) -> float:
    return threshold / max(value, 1e-300) if is_p_value else value / threshold


def score_inputs(current: pd.DataFrame, reference: pd.DataFrame) -> list[float]:
    """The same by the tests that the preset chooses, without what it draws; an input without values is left out: the
    preset stops there with an error."""
    scores = []
    for name in reference:
        before, now = (frame[name].replace([-np.inf, np.inf], np.nan).dropna() for frame in (reference, current))
        if now.empty:
            continue
        kind = ColumnType.Categorical if reference[name].dtype == object else ColumnType.Numerical
        test = get_stattest(before, now, kind, None)
        found = test(before, now, kind, None)
        is_p_value = "p_value" in test.display_name
        scores.append(in_thresholds(found.drift_score, found.actual_threshold, is_p_value=is_p_value))
    return scores


def check(current: pd.DataFrame, reference: pd.DataFrame) -> None:
    """That both ways give the same scores."""
    definition = define(reference)
    theirs = run_preset(current, Dataset.from_pandas(reference, data_definition=definition), definition)
    np.testing.assert_allclose(sorted(score_inputs(current, reference)), sorted(theirs))


def main() -> None:
    if sys.argv[1] == "--speed":
        reference, current = (read_frame(path).drop(columns=list(NOT_INPUTS)) for path in sys.argv[2:4])
        definition = define(reference)
        began = time.process_time()
        found = Dataset.from_pandas(reference, data_definition=definition)
        scores = run_preset(current, found, definition)
        print(json.dumps({"seconds": time.process_time() - began, "inputs": len(scores)}))
        return
    out, frames = sys.argv[2], sys.argv[3:]
    reference = read_frame(sys.argv[1]).drop(columns=list(NOT_INPUTS))
    found = {}
    for path in frames:
        largest, half = [], []
        for day, rows in read_frame(path).groupby("day", sort=True):
            inputs = rows.drop(columns=list(NOT_INPUTS))
            if day == 0 and inputs.notna().any().all():
                check(inputs, reference)
            scores = sorted(score_inputs(inputs, reference), reverse=True)
            largest.append(scores[0])
            half.append(scores[math.ceil(len(scores) / 2) - 1])
        found[Path(path).stem] = {"largest": largest, "half": half}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
