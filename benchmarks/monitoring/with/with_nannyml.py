"""NannyML's calculators with their defaults, a chunk a day: python with_nannyml.py REFERENCE OUT FRAME...

Runs in NannyML's own environment. A frame is an .npz file with a column for each input, `output`, `truth` and `day`.
OUT gets, by frame, how far each day lies from the mean of the reference chunks, in units of the threshold (three
standard deviations): the largest of the drift calculators, and the estimated AUC (CBPE).
"""

import json
import sys
import warnings
from pathlib import Path

import nannyml as nml
import numpy as np
import pandas as pd

DEVIATIONS = 3.0


def read_frame(path: str) -> pd.DataFrame:
    with np.load(path) as columns:
        frame = pd.DataFrame({name: columns[name] for name in columns.files})
    frame["at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    frame["truth"] = frame["truth"].astype(int)
    frame["decision"] = (frame["output"] >= 0.5).astype(int)
    return frame.sort_values("at", kind="stable", ignore_index=True)


def make_calculators(reference: pd.DataFrame) -> dict[str, list]:
    inputs = [name for name in reference if name not in ("at", "truth", "output", "decision")]
    chunks = {"timestamp_column_name": "at", "chunk_period": "D"}
    drift = [
        nml.UnivariateDriftCalculator(column_names=inputs, **chunks),
        nml.DataReconstructionDriftCalculator(column_names=inputs, **chunks),
    ]
    estimate = nml.CBPE(
        y_true="truth", y_pred="decision", y_pred_proba="output", problem_type="classification_binary",
        metrics=["roc_auc"], **chunks,
    )  # fmt: skip
    return {"drift": [of.fit(reference) for of in drift], "estimate": [estimate.fit(reference)]}


def values_of(result, period: str) -> np.ndarray:
    """(series, days) what was calculated of each chunk of a period."""
    frame = result.filter(period=period).to_df()
    return np.array([frame[column] for column in frame.columns if column[-1] == "value"], dtype=float)


def measure(calculator, rows: pd.DataFrame) -> np.ndarray:
    result = calculator.calculate(rows) if hasattr(calculator, "calculate") else calculator.estimate(rows)
    usual, found = values_of(result, "reference"), values_of(result, "analysis")
    middle, spread = usual.mean(axis=1, keepdims=True), usual.std(axis=1, keepdims=True)
    return np.nanmax(np.abs(found - middle) / (DEVIATIONS * spread), axis=0)


def main() -> None:
    warnings.simplefilter("ignore")
    calculators = make_calculators(read_frame(sys.argv[1]))
    found = {}
    for path in sys.argv[3:]:
        rows = read_frame(path)
        found[Path(path).stem] = {
            name: np.max([measure(of, rows) for of in kind], axis=0).tolist() for name, kind in calculators.items()
        }
    Path(sys.argv[2]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
