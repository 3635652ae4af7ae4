"""Compares an engine with the trained model: on all training rows, on edge cases, and row by row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mlops_lab.registry.columns import Answers
from mlops_lab.registry.engines.base import Engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.training.agreement import (
    BESIDE,
    CORNERS,
    DATA,
    ONE_BY_ONE,
    THRESHOLDS,
    AgreementPart,
    add_up,
    difference,
    distances,
    tolerance_of,
)

Predict = Callable[[pl.DataFrame], Answers]
EDGE_ROWS, EDGE_COLUMNS = 500, 50
BATCH_ROWS, BATCH_CELLS, DATA_SECONDS = 20_000, 1_000_000, 60.0
"""Training rows are compared in batches, in random order, and for no longer than this."""
TIMED_ROWS, TIMED_SECONDS = 200, 2.0
_UNSEEN = "\u2400 never seen \u2400"


class ExpectedAnswers(NamedTuple):
    """Rows that the model can answer, and its answers."""

    rows: pl.DataFrame
    expected: Answers


@dataclass(frozen=True)
class ComparisonData:
    """The rows that engines are compared on: edge cases by kind, with the model's answers, and all training rows.

    `training_answers` are the model's answers to the latter if the training itself gave them: then they need not
    be computed again.
    """

    edge_cases: dict[str, ExpectedAnswers]
    inputs: pl.DataFrame
    model: Predict
    training_answers: Answers | None
    scale: float

    def batches(self) -> Iterator[tuple[pl.DataFrame, Answers | None]]:
        """The training rows in batches, with the answers that are known already."""
        rows = min(BATCH_ROWS, max(1, BATCH_CELLS // max(1, self.inputs.width)))
        for start in np.random.default_rng(0).permutation(np.arange(0, self.inputs.height, rows)).tolist():
            known = None if self.training_answers is None else self.training_answers[start : start + rows]
            yield self.inputs[start : start + rows], known


def make_comparison_data(
    inputs: pl.DataFrame,
    model: Predict,
    *,
    threshold_rows: pl.DataFrame,
    training_answers: Answers | None,
    scale: float,
) -> ComparisonData:
    """The edge cases with the model's answers: rows with nulls and texts never seen, rows at its split thresholds, and
    rows next to training rows. A row that the model cannot answer (a null where it takes none) is left out: the server
    refuses it."""
    frames = {CORNERS: null_and_unseen_rows(inputs), THRESHOLDS: [threshold_rows], BESIDE: neighbour_rows(inputs)}
    answered = {kind: _ask_model(model, rows) for kind, rows in frames.items()}
    edge_cases = {kind: answers for kind, answers in answered.items() if answers}
    return ComparisonData(edge_cases, inputs, model, training_answers, scale)


def compare(engine: Engine, mapping: OutputMapping, data: ComparisonData) -> tuple[dict[str, AgreementPart], float]:
    """How well the engine agrees with the model, by kind of rows and also row by row; and the median of the
    microseconds that it takes for a single row."""
    tolerance, sample = tolerance_of(engine), _sample(data)
    answers, micros = _ask_row_by_row(engine, mapping, sample.rows)
    apart = distances(sample.expected[: len(answers)], answers, scale=data.scale)
    parts = compare_frames(lambda rows: mapping.of_rows(engine.score(rows)), data, tolerance=tolerance)
    return parts | {ONE_BY_ONE: difference(apart, tolerance=tolerance)}, micros


def compare_frames(predict: Predict, data: ComparisonData, *, tolerance: float) -> dict[str, AgreementPart]:
    """How well answers to frames of rows agree with the model, by kind of rows.

    Once a difference was seen, one batch of training rows is enough. Of a slow model not all of them are compared:
    `rows` tells how many were.
    """

    def compare_answers(expected: Answers, answers: Answers) -> AgreementPart:
        return difference(distances(expected, answers, scale=data.scale), tolerance=tolerance)

    parts = {kind: compare_answers(case.expected, predict(case.rows)) for kind, case in data.edge_cases.items()}
    batches, began = [], time.perf_counter()
    for rows, known in data.batches():
        answers = predict(rows)
        if known is None or compare_answers(known, answers).differing:
            known = data.model(rows)
        batches.append(compare_answers(known, answers))
        if any(part.differing for part in parts.values()) or time.perf_counter() - began > DATA_SECONDS:
            break
    return parts | {DATA: add_up(batches)}


def null_and_unseen_rows(inputs: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows with a null in one column or in all, and with a text never seen in one column or in all."""
    sample = inputs.gather_every(max(1, inputs.height // EDGE_ROWS)).head(20)
    first, texts = sample.head(1), [name for name, dtype in inputs.schema.items() if dtype == pl.String]
    columns = list(inputs.schema.items())[:EDGE_COLUMNS]
    one_null = [first.with_columns(pl.lit(None, dtype).alias(name)) for name, dtype in columns]
    one_unseen = [first.with_columns(pl.lit(_UNSEEN).alias(name)) for name in texts[:EDGE_COLUMNS]]
    all_unseen = [sample.with_columns(pl.lit(_UNSEEN).alias(name) for name in texts)] if texts else []
    all_null = first.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in sample.schema.items())
    return [*one_null, *one_unseen, *all_unseen, all_null]


def neighbour_rows(inputs: pl.DataFrame) -> list[pl.DataFrame]:
    """Training rows with all numbers one step of float32 lower, and one step higher."""
    sample = inputs.gather_every(max(1, inputs.height // EDGE_ROWS)).head(EDGE_ROWS)
    numbers = [column.name for column in sample.iter_columns() if column.dtype.is_float()]
    return [
        sample.with_columns(_step_float32(sample[name], towards) for name in numbers) for towards in (-np.inf, np.inf)
    ]


def _step_float32(column: pl.Series, towards: float) -> pl.Series:
    values = np.nextafter(column.to_numpy().astype(np.float32), np.float32(towards)).astype(np.float64)
    return pl.select(pl.when(column.is_null()).then(None).otherwise(pl.Series(values))).to_series().alias(column.name)


def _ask_model(model: Predict, frames: Sequence[pl.DataFrame]) -> ExpectedAnswers | None:
    """The model's answers, to all frames at once; frame by frame where it cannot answer all. None where it answers
    none."""
    whole = pl.concat(frames)
    if whole.is_empty():
        return None
    try:
        expected = model(whole)
    except ValueError:  # scikit-learn's error for nulls where it takes none
        parts = [answers for frame in frames if len(frames) > 1 and (answers := _ask_model(model, [frame]))]
        return _concat(parts) if parts else None
    is_answered = np.array(np.isfinite(expected).reshape(len(expected), -1).all(axis=1))
    return ExpectedAnswers(whole.filter(is_answered), expected[is_answered]) if is_answered.any() else None


def _concat(parts: Sequence[ExpectedAnswers]) -> ExpectedAnswers:
    return ExpectedAnswers(pl.concat(part.rows for part in parts), np.concatenate([part.expected for part in parts]))


def _sample(data: ComparisonData) -> ExpectedAnswers:
    """Rows of all kinds, with the model's answers."""
    rows = data.inputs.gather_every(max(1, data.inputs.height // TIMED_ROWS)).head(TIMED_ROWS)
    parts = [ExpectedAnswers(rows, data.model(rows))]
    for case in data.edge_cases.values():
        every = max(1, case.rows.height // (TIMED_ROWS // 4))
        parts.append(ExpectedAnswers(case.rows.gather_every(every), case.expected[::every]))
    return _concat(parts)


def _ask_row_by_row(engine: Engine, mapping: OutputMapping, rows: pl.DataFrame) -> tuple[Answers, float]:
    """Ask the engine as the server does: its answers to as many rows as time allows, and the median microseconds."""
    answers: list[Any] = []
    nanos: list[int] = []
    began = time.perf_counter()
    for row in rows.rows():
        start = time.perf_counter_ns()
        output = engine.score_rows([row])
        nanos.append(time.perf_counter_ns() - start)
        answers.append(mapping.of_row(output[0]))
        if time.perf_counter() - began > TIMED_SECONDS:
            break
    return np.array(answers, dtype=np.float64), float(np.median(nanos)) / 1000 if nanos else 0.0
