"""Proof that a written folder answers like the server's engine: its own script is asked beside the engine."""

from __future__ import annotations

import importlib.metadata
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from mlops_lab.errors import EnvironmentFault, Refused
from mlops_lab.registry.engines.base import Engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import Plan
from mlops_lab.training.agreement import AgreementPart, Answers, add_up, difference, distances
from mlops_lab.training.comparison import compare_many, make_questions
from mlops_lab.training.thresholds import Sides

TOLERANCE = 1e-6
_MOST_THRESHOLDS = 2_000


class EdgeAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """`rows`: rows of the project's data and beside them; `at_split_thresholds`: rows at and beside the numbers at
    which trees are split, where those are known. `runtime` is what answered on the edge's side."""

    format: int = 1
    runtime: str
    tolerance: float = TOLERANCE
    rows: AgreementPart
    at_split_thresholds: AgreementPart | None


def prove_folder(
    folder: Path, engine: Engine, plan: Plan, inputs: pl.DataFrame, thresholds: Mapping[int, Sequence[float]]
) -> EdgeAgreement:
    """How well the folder's `predict.py` answers like the engine; Refused where it does not.

    What differs only at split thresholds is told, and no reason to refuse.
    """
    arrangement = OutputMapping(plan)

    def model(rows: pl.DataFrame) -> Answers:
        return arrangement.of_rows(engine.score(rows))

    def on_the_edge(rows: pl.DataFrame) -> Answers:
        return ask_script(folder, rows)

    def measure_thresholds(rows: pl.DataFrame) -> AgreementPart:
        apart = distances(model(rows), on_the_edge(rows), scale=plan.scale)
        return difference(apart, tolerance=TOLERANCE)

    sides = Sides(inputs.clear(), 0, 0)  # those of the thresholds are told apart
    questions = make_questions(inputs, model, sides=sides, known=None, scale=plan.scale)
    parts = compare_many(on_the_edge, questions, tolerance=TOLERANCE)
    found = EdgeAgreement(
        runtime=f"onnxruntime {importlib.metadata.version('onnxruntime')}",
        rows=add_up(list(parts.values())),
        at_split_thresholds=measure_thresholds(threshold_rows(inputs, thresholds)) if thresholds else None,
    )
    if found.rows.differing:
        differing, rows = found.rows.differing, found.rows.rows
        raise Refused(
            f"{differing:,} of {rows:,} rows are answered otherwise, by up to {found.rows.largest:.3g}",
            code="edge_differs",
            where="model.onnx",
            hint="the graph computes in float32 what the engine does not: serve this version with `mlops serve`",
        )
    return found


def ask_script(folder: Path, inputs: pl.DataFrame) -> Answers:
    """What the folder's `predict.py` answers, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="mlops-") as spare:
        rows = Path(spare) / "rows.jsonl"
        with rows.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in inputs.iter_rows(named=True))
        command = [sys.executable, "-I", str(folder / "predict.py"), str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        hint = "the package may be damaged, or onnxruntime too old: pip install --upgrade onnxruntime"
        raise EnvironmentFault(f"does not run: {said[:300]}", code="edge_failed", where="predict.py", hint=hint)
    return np.array(json.loads(done.stdout), dtype=np.float64)


def threshold_rows(inputs: pl.DataFrame, thresholds: Mapping[int, Sequence[float]]) -> pl.DataFrame:
    """Rows at the numbers where trees are split, and one step of float64 and of float32 beside them."""
    plain = inputs.with_columns((pl.selectors.numeric() | pl.selectors.boolean()).cast(pl.Float64))
    pairs = [(place, number) for place, numbers in thresholds.items() for number in numbers]
    some = pairs[:: -(-len(pairs) // _MOST_THRESHOLDS)]
    beside = [(place, value) for place, number in some for value in _beside(number)]
    rows = plain.gather([number % plain.height for number in range(len(beside))]).to_dicts()
    for row, (place, value) in zip(rows, beside, strict=True):
        row[plain.columns[place]] = value
    return pl.DataFrame(rows, schema=plain.schema)


def _beside(number: float) -> list[float]:
    """The number, the same in float32, and the next ones on either side of it."""
    short = np.float32(number)
    steps = [np.nextafter(number, side) for side in (-np.inf, np.inf)]
    short_steps = [np.nextafter(short, np.float32(side)) for side in (-np.inf, np.inf)]
    found = {float(value) for value in (number, short, *steps, *short_steps)}
    return sorted(value for value in found if math.isfinite(value))
