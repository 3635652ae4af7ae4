"""Rows on both sides of a model's split thresholds: where an engine that rounds goes the other way.

A tree behind other steps does not split on inputs but on what the steps make of them. Which input one of their columns
comes from is found by changing inputs; the number of the input at which the column crosses a threshold is found by
bisection, in steps of float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.training.number_steps import (
    Indices,
    Matrix,
    from_float32_steps,
    replace_numbers,
    step_numbers,
    to_column,
    to_float32_steps,
    to_numbers,
)
from mlops_lab.training.trees import TreeEnsemble, find_reaching_rows, spread

MAX_TREES, MAX_SPLITS, MAX_BISECTED_SPLITS = 500, 10_000, 1_000
"""The most trees and splits that are used, spread over all; a bisection runs the steps in front of a tree 32 times."""
_BASE_ROWS, _PROBED_ROWS = 500, 20
_BISECTIONS = 32


class SplitPoints(NamedTuple):
    """Rows by their index among the base rows; for each the index of an input, and the number of that input at which a
    split sends the row the other way."""

    rows: Indices
    inputs: Indices
    numbers: Matrix


class ThresholdRows(NamedTuple):
    """Rows at thresholds, how many splits they belong to, and how many splits on numbers the model has."""

    rows: pl.DataFrame
    splits: int
    splits_in_all: int


def threshold_rows(ensembles: Sequence[TreeEnsemble], inputs: pl.DataFrame, *, in_float32: bool) -> ThresholdRows:
    """For splits of these trees a row that reaches the split, with the input that decides there at the threshold, one
    step below and one step above it: a step of float64, of float32 where the model is given that, or 1 for whole
    numbers."""
    base = inputs.gather_every(max(1, inputs.height // _BASE_ROWS)).head(_BASE_ROWS)
    ranges = np.array([_range_of(column) for column in inputs.iter_columns()])
    results = [_find_split_points(ensemble, base, ranges, in_float32=in_float32) for ensemble in ensembles]
    rows, columns, numbers = (
        np.concatenate([points[part] for points, _ in results] or [np.empty(0)]) for part in range(3)
    )
    points = SplitPoints(rows.astype(np.int64), columns.astype(np.int64), numbers)
    return ThresholdRows(
        rows=_rows_around(base, points, in_float32=in_float32),
        splits=sum(splits for _, splits in results),
        splits_in_all=sum(int(tree.is_number.sum()) for ensemble in ensembles for tree in ensemble.trees),
    )


def _find_split_points(
    ensemble: TreeEnsemble, base: pl.DataFrame, ranges: Matrix, *, in_float32: bool
) -> tuple[SplitPoints, int]:
    """The split points of these trees, and how many splits they are of."""
    matrix = _as_matrix(ensemble.to_input(base))
    if matrix is None:
        return SplitPoints(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)), 0
    reached: list[tuple[Indices, Indices, Matrix]] = []
    for tree in spread(ensemble.trees, MAX_TREES):
        split, row = find_reaching_rows(tree, matrix)
        keep = tree.is_number[split] & np.isfinite(tree.threshold[split])
        reached.append((row[keep], tree.column[split[keep]], tree.threshold[split[keep]]))
    rows, columns, thresholds = (np.concatenate([arrays[part] for arrays in reached]) for part in range(3))
    source, is_same = _trace_columns(ensemble, base, matrix, np.unique(columns), in_float32=in_float32)
    direct = _pick(np.flatnonzero(is_same[columns]), MAX_SPLITS)
    derived = _pick(np.flatnonzero(~is_same[columns] & (source[columns] >= 0)), MAX_BISECTED_SPLITS)
    at_threshold = SplitPoints(rows[direct], source[columns[direct]], thresholds[direct])
    behind_steps = SplitPoints(rows[derived], source[columns[derived]], thresholds[derived])
    bisected = _bisect(ensemble, base, behind_steps, columns[derived], ranges)
    pairs = zip(at_threshold, bisected, strict=True)
    return SplitPoints(*(np.concatenate(pair) for pair in pairs)), len(direct) + len(bisected.rows)


def _pick(indices: Indices, most: int) -> Indices:
    return np.asarray(spread(indices, most), dtype=np.int64)  # type: ignore[arg-type]


def _trace_columns(
    ensemble: TreeEnsemble, base: pl.DataFrame, matrix: Matrix, columns: Indices, *, in_float32: bool
) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """For every column that the trees are given: the index of the one input that it is computed from (below 0 where
    there is none, or more than one), and whether it is that input unchanged."""
    source, is_same = np.full(matrix.shape[1], -1), np.zeros(matrix.shape[1], dtype=bool)
    numeric = [index for index, dtype in enumerate(base.dtypes) if dtype.is_numeric()]
    for index in numeric:
        values = to_numbers(base[:, index])
        values = values.astype(np.float32).astype(np.float64) if in_float32 else values
        same = [column for column in columns if np.array_equal(matrix[:, column], values, equal_nan=True)]
        source[same], is_same[same] = index, True
    if is_same[columns].all():
        return source, is_same
    probed, before = base.head(_PROBED_ROWS), matrix[:_PROBED_ROWS]
    for index in numeric:
        column, values = probed[:, index], to_numbers(probed[:, index])
        low, high = _range_of(base[:, index])
        changed = probed.with_columns(to_column(np.where(values == high, low, high), like=column))
        after = _as_matrix(ensemble.to_input(changed))
        if after is not None:
            moved = ((after != before) & ~(np.isnan(after) & np.isnan(before))).any(axis=0) & ~is_same
            source[moved] = np.where(source[moved] == -1, index, -2)
    return source, is_same


def _bisect(
    ensemble: TreeEnsemble, base: pl.DataFrame, splits: SplitPoints, columns: Indices, ranges: Matrix
) -> SplitPoints:
    """The numbers of inputs, between their least and their largest, at which the columns computed from them cross the
    thresholds: those are the numbers of `splits`."""
    if not splits.rows.size:
        return splits
    rows = base[splits.rows]
    row_indices = np.arange(len(columns))

    def is_above(numbers: Matrix) -> npt.NDArray[np.bool_]:
        matrix = _as_matrix(ensemble.to_input(replace_numbers(rows, splits.inputs, numbers)))
        assert matrix is not None
        above: npt.NDArray[np.bool_] = matrix[row_indices, columns] > splits.numbers
        return above

    low, high = ranges[splits.inputs].T
    is_above_at_low = is_above(low)
    crosses = is_above_at_low != is_above(high)
    near, far = to_float32_steps(low), to_float32_steps(high)
    for _ in range(_BISECTIONS):
        middle = (near + far) // 2
        has_crossed = is_above(from_float32_steps(middle)) != is_above_at_low
        near, far = np.where(has_crossed, near, middle), np.where(has_crossed, middle, far)
    return SplitPoints(splits.rows[crosses], splits.inputs[crosses], from_float32_steps(far)[crosses])


def _range_of(column: pl.Series) -> tuple[float, float]:
    """The least and the largest number."""
    if not column.dtype.is_numeric():
        return 0.0, 0.0
    numbers = column.cast(pl.Float64)
    finite = numbers.filter(numbers.is_finite())
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)  # type: ignore[arg-type]


def _rows_around(base: pl.DataFrame, points: SplitPoints, *, in_float32: bool) -> pl.DataFrame:
    """Each row with the number one step below its split point, at it, and one step above it."""
    dtypes = list(base.schema.values())
    stepped: list[Matrix] = []
    for direction in (-1, 0, 1):
        numbers = points.numbers.copy()
        for index, dtype in enumerate(dtypes):
            of_input = points.inputs == index
            if of_input.any():
                short = in_float32 or dtype == pl.Float32
                numbers[of_input] = step_numbers(numbers[of_input], direction, dtype=dtype, in_float32=short)
        stepped.append(numbers)
    rows = base[np.tile(points.rows, len(stepped))]
    return replace_numbers(rows, np.tile(points.inputs, len(stepped)), np.concatenate(stepped))


def _as_matrix(value: Any) -> Matrix | None:
    """What a model is given, as a matrix of numbers; None where it is something else."""
    dense = value.toarray() if hasattr(value, "toarray") else np.asarray(value)
    try:
        return dense.astype(np.float64)
    except (TypeError, ValueError):
        return None
