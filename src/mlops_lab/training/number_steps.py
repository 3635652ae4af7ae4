"""Neighbouring floating-point numbers, and columns of inputs with some of their numbers replaced."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

Matrix = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


def to_float32_steps(numbers: Matrix) -> Indices:
    """Each number as a count of float32 steps from zero: the order of the counts is that of the numbers."""
    bits = numbers.astype(np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def from_float32_steps(steps: Indices) -> Matrix:
    """The numbers that so many float32 steps from zero lead to."""
    bits = np.where(steps < 0, -steps | 0x80000000, steps).astype(np.uint32)
    return bits.view(np.float32).astype(np.float64)


def step_numbers(numbers: Matrix, direction: int, *, dtype: pl.DataType, in_float32: bool) -> Matrix:
    """The numbers one step lower (-1), as they are (0) or one step higher (1); a step is 1 for whole numbers."""
    if dtype.is_integer():
        return np.floor(numbers) + direction
    exact = numbers.astype(np.float32 if in_float32 else np.float64)
    with np.errstate(over="ignore"):  # above the largest number is infinity, which is compared as well
        stepped = np.nextafter(exact, exact.dtype.type(direction * np.inf)) if direction else exact
    return stepped.astype(np.float64)


def replace_numbers(rows: pl.DataFrame, inputs: Indices, numbers: Matrix) -> pl.DataFrame:
    """The rows, each with another number in one input: in row i number i, in the input with index `inputs[i]`."""
    changed = []
    for index in np.unique(inputs):
        column = rows[rows.columns[index]]
        values = to_numbers(column).copy()
        values[inputs == index] = numbers[inputs == index]
        changed.append(to_column(values, like=column))
    return rows.with_columns(changed)


def to_column(values: Matrix, *, like: pl.Series) -> pl.Series:
    """The values as a column of the same name and type; null for NaN and for what the type cannot hold."""
    column = pl.Series(like.name, values).fill_nan(None)
    return (column.floor() if like.dtype.is_integer() else column).cast(like.dtype, strict=False)


def to_numbers(column: pl.Series) -> Matrix:
    """The column as float64; null becomes NaN."""
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
