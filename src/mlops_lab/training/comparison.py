"""An engine asked beside the model: all rows learned from, rows at the edge, and rows one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mlops_lab.registry.engines.base import Engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.training.agreement import (
    BESIDE,
    CORNERS,
    DATA,
    ONE_BY_ONE,
    THRESHOLDS,
    AgreementPart,
    Answers,
    add_up,
    difference,
    distances,
    tolerance_of,
)
from mlops_lab.training.thresholds import Sides

Answering = Callable[[pl.DataFrame], Answers]
EDGE_ROWS, EDGE_COLUMNS = 500, 50
ROWS_AT_ONCE, CELLS_AT_ONCE, DATA_SECONDS = 20_000, 1_000_000, 60.0
"""The data is asked some rows at a time, in an order drawn at random, and no longer than this."""
TIMED_ROWS, TIMED_SECONDS = 200, 2.0
_UNSEEN = "\u2400 never seen \u2400"


class Asked(NamedTuple):
    """Rows that the model can answer, and its answers."""

    rows: pl.DataFrame
    expected: Answers


@dataclass(frozen=True)
class Questions:
    """What engines are asked: the rows at the edge by kind, and all that was learned from. `known` are the answers to
    those that the training itself ended with, where it tells them: they need not be asked for once more."""

    edges: dict[str, Asked]
    data: pl.DataFrame
    model: Answering
    known: Answers | None
    scale: float

    def batches(self) -> Iterator[tuple[pl.DataFrame, Answers | None]]:
        """The data, some rows at a time, with what is known of the answers."""
        rows = min(ROWS_AT_ONCE, max(1, CELLS_AT_ONCE // max(1, self.data.width)))
        for start in np.random.default_rng(0).permutation(np.arange(0, self.data.height, rows)).tolist():
            known = None if self.known is None else self.known[start : start + rows]
            yield self.data[start : start + rows], known


def make_questions(
    inputs: pl.DataFrame, model: Answering, *, sides: Sides, known: Answers | None, scale: float
) -> Questions:
    """What the model answers at the edge: to rows with nulls and texts never seen, to rows at its split thresholds and
    to numbers a hair beside those learned from. A row that it cannot answer (a null where it takes none) is left out:
    the server refuses it."""
    edges = {CORNERS: corner_rows(inputs), THRESHOLDS: [sides.rows], BESIDE: beside_rows(inputs)}
    asked = {name: _ask(rows, model) for name, rows in edges.items()}
    return Questions({name: found for name, found in asked.items() if found}, inputs, model, known, scale)


def compare(engine: Engine, arrangement: OutputMapping, questions: Questions) -> tuple[dict[str, AgreementPart], float]:
    """By kind of rows how the engine agrees with the model, also where it is asked one by one; and the microseconds
    that one row takes it then (the median)."""
    tolerance, some = tolerance_of(engine), _some(questions)
    given, micros = _ask_one_by_one(engine, arrangement, some.rows)
    apart = distances(some.expected[: len(given)], given, scale=questions.scale)
    parts = compare_many(lambda rows: arrangement.of_rows(engine.score(rows)), questions, tolerance=tolerance)
    return parts | {ONE_BY_ONE: difference(apart, tolerance=tolerance)}, micros


def compare_many(answer: Answering, questions: Questions, *, tolerance: float) -> dict[str, AgreementPart]:
    """By kind of rows how what answers many rows at once agrees with the model.

    Where it has differed before the data is asked, some thousand rows of that are enough. A slow model is not asked all
    of it: `rows` says how many.
    """

    def differ(expected: Answers, given: Answers) -> AgreementPart:
        return difference(distances(expected, given, scale=questions.scale), tolerance=tolerance)

    parts = {name: differ(asked.expected, answer(asked.rows)) for name, asked in questions.edges.items()}
    found, began = [], time.perf_counter()
    for rows, known in questions.batches():
        given = answer(rows)
        if known is None or differ(known, given).differing:
            known = questions.model(rows)
        found.append(differ(known, given))
        if any(part.differing for part in parts.values()) or time.perf_counter() - began > DATA_SECONDS:
            break
    return parts | {DATA: add_up(found)}


def corner_rows(inputs: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows without a value in one column or in any, and with texts never seen in one column or in all."""
    some = inputs.gather_every(max(1, inputs.height // EDGE_ROWS)).head(20)
    first, texts = some.head(1), [name for name, dtype in inputs.schema.items() if dtype == pl.String]
    named = list(inputs.schema.items())[:EDGE_COLUMNS]
    nulls = [first.with_columns(pl.lit(None, dtype).alias(name)) for name, dtype in named]
    each = [first.with_columns(pl.lit(_UNSEEN).alias(name)) for name in texts[:EDGE_COLUMNS]]
    unseen = [some.with_columns(pl.lit(_UNSEEN).alias(name) for name in texts)] if texts else []
    nothing = first.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in some.schema.items())
    return [*nulls, *each, *unseen, nothing]


def beside_rows(inputs: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows learned from, with numbers that lie one step of float32 below and above."""
    some = inputs.gather_every(max(1, inputs.height // EDGE_ROWS)).head(EDGE_ROWS)
    numbers = [column.name for column in some.iter_columns() if column.dtype.is_float()]
    return [some.with_columns(_beside(some[name], side) for name in numbers) for side in (-np.inf, np.inf)]


def _beside(column: pl.Series, side: float) -> pl.Series:
    values = np.nextafter(column.to_numpy().astype(np.float32), np.float32(side)).astype(np.float64)
    return pl.select(pl.when(column.is_null()).then(None).otherwise(pl.Series(values))).to_series().alias(column.name)


def _ask(frames: Sequence[pl.DataFrame], model: Answering) -> Asked | None:
    """The model, all at once; one frame at a time where it cannot answer all. None where it answers nothing."""
    whole = pl.concat(frames)
    if whole.is_empty():
        return None
    try:
        expected = model(whole)
    except ValueError:  # as scikit-learn says that it takes no nulls
        found = [asked for frame in frames if len(frames) > 1 and (asked := _ask([frame], model))]
        if not found:
            return None
        return Asked(pl.concat(one.rows for one in found), np.concatenate([one.expected for one in found]))
    answered = np.array(np.isfinite(expected).reshape(len(expected), -1).all(axis=1))
    return Asked(whole.filter(answered), expected[answered]) if answered.any() else None


def _some(questions: Questions) -> Asked:
    """Rows of all kinds."""
    rows = questions.data.gather_every(max(1, questions.data.height // TIMED_ROWS)).head(TIMED_ROWS)
    found = [Asked(rows, questions.model(rows))]
    for asked in questions.edges.values():
        every = max(1, asked.rows.height // (TIMED_ROWS // 4))
        found.append(Asked(asked.rows.gather_every(every), asked.expected[::every]))
    return Asked(pl.concat(one.rows for one in found), np.concatenate([one.expected for one in found]))


def _ask_one_by_one(engine: Engine, arrangement: OutputMapping, rows: pl.DataFrame) -> tuple[Answers, float]:
    """As the server asks it: the answers to the first rows, to as many as time allows; and the median of the time."""
    given: list[Any] = []
    nanos: list[int] = []
    began = time.perf_counter()
    for row in rows.rows():
        start = time.perf_counter_ns()
        output = engine.score_rows([row])
        nanos.append(time.perf_counter_ns() - start)
        given.append(arrangement.of_row(output[0]))
        if time.perf_counter() - began > TIMED_SECONDS:
            break
    return np.array(given, dtype=np.float64), float(np.median(nanos)) / 1000 if nanos else 0.0
