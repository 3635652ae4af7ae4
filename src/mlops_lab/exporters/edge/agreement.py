"""Proof that a written folder answers like the server's engine: both answer the same rows, and are compared."""

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
from mlops_lab.registry.columns import Answers
from mlops_lab.registry.engines.base import Engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import Plan
from mlops_lab.training.agreement import AgreementPart, add_up, difference, distances
from mlops_lab.training.comparison import compare_frames, make_comparison_data

TOLERANCE = 1e-6
_MAX_THRESHOLDS = 2_000


class EdgeAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far the folder's answers differ from the engine's.

    `rows`: rows of the project's data, and variations of them. `at_split_thresholds`: rows at and next to the numbers
    at which trees are split, where those are known. `runtime`: what computed the folder's answers.
    """

    format: int = 1
    runtime: str
    tolerance: float = TOLERANCE
    rows: AgreementPart
    at_split_thresholds: AgreementPart | None


def prove_folder(
    folder: Path, engine: Engine, plan: Plan, inputs: pl.DataFrame, thresholds: Mapping[int, Sequence[float]]
) -> EdgeAgreement:
    """How far the answers of the folder's `predict.py` differ from the engine's; Refused where they differ too much.

    Differences at split thresholds alone are reported, and no reason to refuse.
    """
    mapping = OutputMapping(plan)

    def run_engine(rows: pl.DataFrame) -> Answers:
        return mapping.of_rows(engine.score(rows))

    def run_folder(rows: pl.DataFrame) -> Answers:
        return run_script(folder, rows)

    def measure_thresholds(rows: pl.DataFrame) -> AgreementPart:
        apart = distances(run_engine(rows), run_folder(rows), scale=plan.scale)
        return difference(apart, tolerance=TOLERANCE)

    no_rows = inputs.clear()  # those at thresholds are measured separately
    data = make_comparison_data(inputs, run_engine, threshold_rows=no_rows, training_answers=None, scale=plan.scale)
    parts = compare_frames(run_folder, data, tolerance=TOLERANCE)
    agreement = EdgeAgreement(
        runtime=f"onnxruntime {importlib.metadata.version('onnxruntime')}",
        rows=add_up(list(parts.values())),
        at_split_thresholds=measure_thresholds(threshold_rows(inputs, thresholds)) if thresholds else None,
    )
    if agreement.rows.differing:
        differing, rows = agreement.rows.differing, agreement.rows.rows
        raise Refused(
            f"{differing:,} of {rows:,} rows are answered differently, by up to {_size(agreement.rows.largest)}",
            code="edge_differs",
            where="model.onnx",
            hint="the graph computes in float32 where the engine does not: serve this version with `mlops serve`",
        )
    return agreement


def describe_agreement(agreement: EdgeAgreement) -> list[str]:
    """The agreement in a line for people, or in two."""
    rows, thresholds = agreement.rows, agreement.at_split_thresholds
    lines = [f"{rows.rows:,} rows get the server's answers, to within {_size(rows.largest)}"]
    if thresholds:
        differing, largest = thresholds.differing, _size(thresholds.largest)
        lines.append(f"{thresholds.rows:,} rows at split thresholds: {differing:,} differ, by up to {largest}")
    return lines


def _size(largest: float | None) -> str:
    return "no number" if largest is None else f"{largest:.3g}"


def run_script(folder: Path, inputs: pl.DataFrame) -> Answers:
    """The answers of the folder's `predict.py`, run in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="mlops-") as temporary:
        rows = Path(temporary) / "rows.jsonl"
        with rows.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in inputs.iter_rows(named=True))
        command = [sys.executable, "-I", str(folder / "predict.py"), str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        hint = "the package may be damaged, or onnxruntime too old: pip install --upgrade onnxruntime"
        raise EnvironmentFault(f"does not run: {reason[:300]}", code="edge_failed", where="predict.py", hint=hint)
    return np.array(json.loads(done.stdout), dtype=np.float64)


def threshold_rows(inputs: pl.DataFrame, thresholds: Mapping[int, Sequence[float]]) -> pl.DataFrame:
    """Rows at the numbers where trees are split, and one step of float64 and of float32 to either side.

    `thresholds`: the numbers by the index of the input.
    """
    plain = inputs.with_columns((pl.selectors.numeric() | pl.selectors.boolean()).cast(pl.Float64))
    pairs = [(index, number) for index, numbers in thresholds.items() for number in numbers]
    sample = pairs[:: max(1, -(-len(pairs) // _MAX_THRESHOLDS))]
    changes = [(index, value) for index, number in sample for value in _neighbours(number)]
    rows = plain.gather([number % plain.height for number in range(len(changes))]).to_dicts()
    for row, (index, value) in zip(rows, changes, strict=True):
        row[plain.columns[index]] = value
    return pl.DataFrame(rows, schema=plain.schema)


def _neighbours(number: float) -> list[float]:
    """The number, the same in float32, and the next ones on either side of it."""
    short = np.float32(number)
    steps = [np.nextafter(number, side) for side in (-np.inf, np.inf)]
    short_steps = [np.nextafter(short, np.float32(side)) for side in (-np.inf, np.inf)]
    values = {float(value) for value in (number, short, *steps, *short_steps)}
    return sorted(value for value in values if math.isfinite(value))
