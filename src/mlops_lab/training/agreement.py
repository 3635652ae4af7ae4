"""Proof that a packaged model answers like the one that was trained: asked side by side, also where engines err."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.registry.engine import Arrangement, Engine
from mlops_lab.registry.package import AGREEMENT_FILE
from mlops_lab.training.thresholds import Sides

Answers = npt.NDArray[np.float64]
Answering = Callable[[pl.DataFrame], Answers]
TOLERANCE = 1e-5
"""How far an answer of an inexact engine may be from the model's, in units of the task's scale (1 for probabilities),
or of the answer where that is larger: float32 carries some seven digits, and a model adds up many numbers."""
EDGE_ROWS, EDGE_COLUMNS = 500, 50
ROWS_AT_ONCE, CELLS_AT_ONCE, DATA_SECONDS = 20_000, 1_000_000, 60.0
"""The data is asked some rows at a time, in an order drawn at random, and no longer than this."""
TIMED_ROWS, TIMED_SECONDS = 200, 2.0
DATA, CORNERS, THRESHOLDS, BESIDE, ONE_BY_ONE = "data", "corners", "thresholds", "beside", "one by one"
_UNSEEN = "\u2400 never seen \u2400"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one kind that both were asked, how many answers differ by more than the tolerance, and by how much at
    most: None where one of them is no number."""

    rows: int
    differing: int
    largest: float | None


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One engine: whether it agrees (None: it was not asked, `reason` says why), on which rows, and the microseconds
    that one row takes it (the median)."""

    engine: str
    agrees: bool | None
    reason: str
    tolerance: float = 0.0
    parts: dict[str, Part] = {}
    micros: float | None = None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine that serves agrees with the model that was trained, and what came of the others.

    `rows`, `differing` and `largest` are of all parts together. `data_rows` is how many rows were learned from, and
    `splits` how many of the `splits_in_all` that the model has on numbers were tested at their thresholds. (Format 1
    has only the first four, of a sample of the data.)
    """

    format: int = 2
    engine: str
    rows: int
    differing: int
    largest: float | None
    tolerance: float
    data_rows: int | None = None
    splits: int = 0
    splits_in_all: int = 0
    tried: list[Tried] = []

    @property
    def taken(self) -> Tried | None:
        """The entry of the engine that serves; None in format 1."""
        return next((one for one in self.tried if one.engine == self.engine), None)


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


def read_agreement(package: Path) -> Agreement:
    """The report that lies in a package, of any format."""
    return msgspec.json.decode((package / AGREEMENT_FILE).read_bytes(), type=Agreement)


def make_questions(
    inputs: pl.DataFrame, model: Answering, *, sides: Sides, known: Answers | None, scale: float
) -> Questions:
    """What the model answers at the edge: to rows with nulls and texts never seen, to rows at its split thresholds and
    to numbers a hair beside those learned from. A row that it cannot answer (a null where it takes none) is left out:
    the server refuses it."""
    edges = {CORNERS: corner_rows(inputs), THRESHOLDS: [sides.rows], BESIDE: beside_rows(inputs)}
    asked = {name: _ask(rows, model) for name, rows in edges.items()}
    return Questions({name: found for name, found in asked.items() if found}, inputs, model, known, scale)


def compare(engine: Engine, arrangement: Arrangement, questions: Questions) -> tuple[dict[str, Part], float]:
    """By kind of rows how the engine agrees with the model, and the microseconds that one row takes it.

    Where it has differed before the data is asked, some thousand rows of that are enough. A slow model is not asked all
    of it: `rows` says how many.
    """
    tolerance = tolerance_of(engine)

    def answer(rows: pl.DataFrame) -> Answers:
        return arrangement.of_rows(engine.score(rows))

    def differ(expected: Answers, given: Answers) -> Part:
        return _difference(distances(expected, given, scale=questions.scale), tolerance=tolerance)

    parts = {name: differ(asked.expected, answer(asked.rows)) for name, asked in questions.edges.items()}
    some = _some(questions)
    given, micros = _ask_one_by_one(engine, arrangement, some.rows)
    parts[ONE_BY_ONE] = differ(some.expected[: len(given)], given)
    found, began = [], time.perf_counter()
    for rows, known in questions.batches():
        given = answer(rows)
        if known is None or (distances(known, given, scale=questions.scale) > tolerance).any():
            known = questions.model(rows)
        found.append(differ(known, given))
        if any(part.differing for part in parts.values()) or time.perf_counter() - began > DATA_SECONDS:
            break
    parts[DATA] = add_up(found)
    return parts, micros


def tolerance_of(engine: Engine) -> float:
    """How far its answers may be from the model's."""
    return 0.0 if engine.exact else TOLERANCE


def distances(expected: Answers, given: Answers, *, scale: float) -> Answers:
    """How far the answers to each row are apart, in units of the scale or of the answer; infinite where one is no
    number."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(expected - given) / np.maximum(scale, np.abs(expected))
    found: Answers = np.where(np.isnan(apart), np.inf, apart).reshape(len(expected), -1).max(axis=1, initial=0.0)
    return found


def add_up(parts: Sequence[Part]) -> Part:
    """All rows of some parts."""
    largest = [part.largest for part in parts]
    return Part(
        rows=sum(part.rows for part in parts),
        differing=sum(part.differing for part in parts),
        largest=None if None in largest else max(filter(None, largest), default=0.0),
    )


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


def _ask_one_by_one(engine: Engine, arrangement: Arrangement, rows: pl.DataFrame) -> tuple[Answers, float]:
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


def _difference(apart: Answers, *, tolerance: float) -> Part:
    largest = float(apart.max(initial=0.0))
    return Part(
        rows=len(apart),
        differing=int((apart > tolerance).sum()),
        largest=largest if np.isfinite(largest) else None,
    )
