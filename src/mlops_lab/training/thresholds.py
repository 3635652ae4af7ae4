"""Rows on both sides of a model's split thresholds: where an engine that rounds takes the other way.

A tree behind other steps does not part inputs but what the steps make of them. Which input a column of theirs comes
from is found by trying, and the number at which it crosses a threshold by halving, in steps of float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.training.trees import Matrix, TreeEnsemble, meet, spread

TREES, SPLITS, HALVED_SPLITS = 500, 10_000, 1_000
"""The most trees and splits that are looked at, spread over all; halving asks the steps before a tree 32 times."""
_BASE_ROWS, _PROBED_ROWS = 500, 20
_BITS = 32
_Places = npt.NDArray[np.int64]


class Crossings(NamedTuple):
    """Rows by their place among some base rows, an input of theirs, and a number of it at which a split turns."""

    rows: _Places
    inputs: _Places
    numbers: Matrix


class Sides(NamedTuple):
    """Rows at thresholds, how many splits they belong to, and how many the model has on numbers."""

    rows: pl.DataFrame
    splits: int
    of: int


def threshold_rows(groves: Sequence[TreeEnsemble], inputs: pl.DataFrame, *, in_float32: bool) -> Sides:
    """For splits of these trees a row that comes to it, with the input that decides there at the threshold, and one
    step below and above: a step of float64, of float32 where the model is given that, or 1 for whole numbers."""
    base = inputs.gather_every(max(1, inputs.height // _BASE_ROWS)).head(_BASE_ROWS)
    ends = np.array([_ends(column) for column in inputs.iter_columns()])
    found = [_cross(grove, base, ends, in_float32=in_float32) for grove in groves]
    rows, columns, numbers = (
        np.concatenate([crossings[part] for crossings, _ in found] or [np.empty(0)]) for part in range(3)
    )
    total = sum(int(tree.is_number.sum()) for grove in groves for tree in grove.trees)
    crossings = Crossings(rows.astype(np.int64), columns.astype(np.int64), numbers)
    return Sides(_beside(base, crossings, in_float32=in_float32), sum(splits for _, splits in found), total)


def _cross(grove: TreeEnsemble, base: pl.DataFrame, ends: Matrix, *, in_float32: bool) -> tuple[Crossings, int]:
    """The numbers of inputs at which splits of these trees turn, and how many splits they are of."""
    seen = _as_matrix(grove.see(base))
    none = Crossings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    if seen is None:
        return none, 0
    met: list[tuple[_Places, _Places, Matrix]] = []
    for tree in spread(grove.trees, TREES):
        split, row = meet(tree, seen)
        keep = tree.is_number[split] & np.isfinite(tree.threshold[split])
        met.append((row[keep], tree.column[split[keep]], tree.threshold[split[keep]]))
    rows, columns, thresholds = (np.concatenate([one[part] for one in met]) for part in range(3))
    source, is_same = _sources(grove, base, seen, np.unique(columns), in_float32=in_float32)
    plain = _some(np.flatnonzero(is_same[columns]), SPLITS)
    halved = _some(np.flatnonzero(~is_same[columns] & (source[columns] >= 0)), HALVED_SPLITS)
    direct = Crossings(rows[plain], source[columns[plain]], thresholds[plain])
    behind = Crossings(rows[halved], source[columns[halved]], thresholds[halved])
    crossed = _halve(grove, base, behind, columns[halved], ends)
    both = zip(direct, crossed, strict=True)
    return Crossings(*(np.concatenate(pair) for pair in both)), len(plain) + len(crossed.rows)


def _some(places: _Places, most: int) -> _Places:
    return np.asarray(spread(places, most), dtype=np.int64)  # type: ignore[arg-type]


def _sources(
    grove: TreeEnsemble, base: pl.DataFrame, seen: Matrix, columns: _Places, *, in_float32: bool
) -> tuple[_Places, npt.NDArray[np.bool_]]:
    """For every column that the trees are given the place of the one number among the inputs that it comes from, -1
    where there is none or are several; and whether it is that number itself."""
    source, is_same = np.full(seen.shape[1], -1), np.zeros(seen.shape[1], dtype=bool)
    few, before = base.head(_PROBED_ROWS), seen[:_PROBED_ROWS]
    numbers = [place for place, dtype in enumerate(base.dtypes) if dtype.is_numeric()]
    for place in numbers:
        values = _numbers(base[:, place])
        values = values.astype(np.float32).astype(np.float64) if in_float32 else values
        same = [column for column in columns if np.array_equal(seen[:, column], values, equal_nan=True)]
        source[same], is_same[same] = place, True
    if is_same[columns].all():
        return source, is_same
    for place in numbers:
        column, values = few[:, place], _numbers(few[:, place])
        low, high = _ends(base[:, place])
        after = _as_matrix(grove.see(few.with_columns(_put(column, np.where(values == high, low, high)))))
        if after is not None:
            moved = ((after != before) & ~(np.isnan(after) & np.isnan(before))).any(axis=0) & ~is_same
            source[moved] = np.where(source[moved] == -1, place, -2)
    return source, is_same


def _halve(grove: TreeEnsemble, base: pl.DataFrame, splits: Crossings, columns: _Places, ends: Matrix) -> Crossings:
    """Where what comes of an input crosses the threshold that `splits` names, between its least and largest number."""
    if not splits.rows.size:
        return splits
    rows = base[splits.rows]
    place = np.arange(len(columns))

    def is_above(numbers: Matrix) -> npt.NDArray[np.bool_]:
        seen = _as_matrix(grove.see(_set(rows, splits.inputs, numbers)))
        assert seen is not None
        above: npt.NDArray[np.bool_] = seen[place, columns] > splits.numbers
        return above

    low, high = ends[splits.inputs].T
    at_low = is_above(low)
    turns = at_low != is_above(high)
    near, far = _to_steps(low), _to_steps(high)
    for _ in range(_BITS):
        middle = (near + far) // 2
        beyond = is_above(_from_steps(middle)) != at_low
        near, far = np.where(beyond, near, middle), np.where(beyond, middle, far)
    return Crossings(splits.rows[turns], splits.inputs[turns], _from_steps(far)[turns])


def _ends(column: pl.Series) -> tuple[float, float]:
    """The least and the largest number."""
    if not column.dtype.is_numeric():
        return 0.0, 0.0
    numbers = column.cast(pl.Float64)
    finite = numbers.filter(numbers.is_finite())
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)  # type: ignore[arg-type]


def _to_steps(numbers: Matrix) -> _Places:
    """Numbers as steps between neighbours of float32: their order is that of the numbers."""
    bits = numbers.astype(np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def _from_steps(steps: _Places) -> Matrix:
    bits = np.where(steps < 0, -steps | 0x80000000, steps).astype(np.uint32)
    return bits.view(np.float32).astype(np.float64)


def _beside(base: pl.DataFrame, crossings: Crossings, *, in_float32: bool) -> pl.DataFrame:
    """Each row at the number of its crossing, one step below and one above."""
    dtypes = list(base.schema.values())
    sides: list[Matrix] = []
    for direction in (-1, 0, 1):
        numbers = crossings.numbers.copy()
        for place, dtype in enumerate(dtypes):
            here = crossings.inputs == place
            if here.any():
                short = in_float32 or dtype == pl.Float32
                numbers[here] = _step(numbers[here], direction, dtype=dtype, in_float32=short)
        sides.append(numbers)
    rows = base[np.tile(crossings.rows, len(sides))]
    return _set(rows, np.tile(crossings.inputs, len(sides)), np.concatenate(sides))


def _step(numbers: Matrix, direction: int, *, dtype: pl.DataType, in_float32: bool) -> Matrix:
    if dtype.is_integer():
        return np.floor(numbers) + direction
    exact = numbers.astype(np.float32 if in_float32 else np.float64)
    with np.errstate(over="ignore"):  # beyond the largest number is infinity, which is asked too
        stepped = np.nextafter(exact, exact.dtype.type(direction * np.inf)) if direction else exact
    return stepped.astype(np.float64)


def _set(rows: pl.DataFrame, inputs: _Places, numbers: Matrix) -> pl.DataFrame:
    """The rows, each with another number in the one input that is named for it."""
    changed = []
    for place in np.unique(inputs):
        column = rows[rows.columns[place]]
        values = _numbers(column).copy()
        values[inputs == place] = numbers[inputs == place]
        changed.append(_put(column, values))
    return rows.with_columns(changed)


def _put(column: pl.Series, values: Matrix) -> pl.Series:
    """The values as a column like this one; null where they are no number, or none that it can hold."""
    made = pl.Series(column.name, values).fill_nan(None)
    return (made.floor() if column.dtype.is_integer() else made).cast(column.dtype, strict=False)


def _numbers(column: pl.Series) -> Matrix:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _as_matrix(seen: Any) -> Matrix | None:
    """What a model is given as a matrix of numbers; None where it is something else."""
    dense = seen.toarray() if hasattr(seen, "toarray") else np.asarray(seen)
    try:
        return dense.astype(np.float64)
    except (TypeError, ValueError):
        return None
