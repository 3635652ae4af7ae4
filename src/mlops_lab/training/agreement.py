"""Proof that a packaged model answers like the one that was trained: asked side by side, also where engines err."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

Answers = npt.NDArray[np.float64]
Answering = Callable[[pl.DataFrame], Answers]
TOLERANCE = 1e-5
"""How far an answer of an inexact engine may be from the model's, in units of the task's scale (1 for probabilities),
or of the answer where that is larger: float32 carries some seven digits, and a model adds up many numbers."""
ROWS, EDGE_ROWS, EDGE_COLUMNS = 20_000, 500, 50
_UNSEEN = "\u2400 never seen \u2400"


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows were asked of both, how many differ by more than `tolerance`, and by how much at most."""

    format: int = 1
    engine: str
    rows: int
    differing: int
    largest: float
    tolerance: float


def compare(
    engine: str, inputs: pl.DataFrame, *, model: Answering, packaged: Answering, tolerance: float, scale: float
) -> Agreement:
    """The agreement of both on the rows that were learned from (some, spread over all) and on rows at the edge.

    A row that the model itself cannot answer (a null where it takes none) is not compared: the server refuses it.
    """
    asked = inputs.gather_every(max(1, inputs.height // ROWS))
    expected, given = model(asked), packaged(asked)
    edge = edge_rows(asked)
    at_once = _ask_both(pl.concat(edge), model, packaged)
    one_by_one = [_ask_both(rows, model, packaged) for rows in edge] if at_once is None else [at_once]
    pairs = [(expected, given), *(pair for pair in one_by_one if pair is not None)]
    expected, given = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    distance = np.abs(expected - given) / np.maximum(scale, np.abs(expected))
    distance = np.where(np.isnan(distance), np.inf, distance).reshape(len(expected), -1).max(axis=1)
    differing = int((distance > tolerance).sum())
    largest = float(distance.max(initial=0.0))
    return Agreement(engine=engine, rows=len(expected), differing=differing, largest=largest, tolerance=tolerance)


def edge_rows(inputs: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows where engines err: numbers a hair beside those learned from, nulls, and texts never seen."""
    some = inputs.gather_every(max(1, inputs.height // EDGE_ROWS)).head(EDGE_ROWS)
    numbers = [column.name for column in some.iter_columns() if column.dtype.is_float()]
    texts = [name for name, dtype in some.schema.items() if dtype == pl.String]
    beside = [some.with_columns(_beside(some[name], side) for name in numbers) for side in (-np.inf, np.inf)]
    first = some.head(1)
    named = list(some.schema.items())[:EDGE_COLUMNS]
    nulls = [first.with_columns(pl.lit(None, dtype).alias(name)) for name, dtype in named]
    unseen = [some.head(20).with_columns(pl.lit(_UNSEEN).alias(name) for name in texts)] if texts else []
    nothing = first.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in some.schema.items())
    return [*beside, *nulls, *unseen, nothing]


def _beside(column: pl.Series, side: float) -> pl.Series:
    """The next number that float32 can hold, on that side."""
    values = np.nextafter(column.to_numpy().astype(np.float32), np.float32(side)).astype(np.float64)
    return pl.select(pl.when(column.is_null()).then(None).otherwise(pl.Series(values))).to_series().alias(column.name)


def _ask_both(rows: pl.DataFrame, model: Answering, packaged: Answering) -> tuple[Answers, Answers] | None:
    try:
        expected = model(rows)
    except ValueError:  # as scikit-learn says that it takes no nulls
        return None
    return (expected, packaged(rows)) if np.isfinite(expected).all() else None
