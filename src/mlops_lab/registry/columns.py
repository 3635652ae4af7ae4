"""Inputs as an estimator is given them, column by column: float32, missing as NaN; and text, missing as "".

And the array of what it computes for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Columns = Mapping[str, npt.NDArray[Any]]
Answers = npt.NDArray[np.float64]
"""What a model computes for many rows, of shape (rows,) or (rows, outputs)."""


def to_columns(inputs: pl.DataFrame) -> Columns:
    """The inputs as arrays: float32, or objects for text."""
    return {column.name: _column(column) for column in inputs.iter_columns()}


def rows_to_columns(rows: Sequence[Sequence[Any]], names: Sequence[str], texts: Sequence[str]) -> Columns:
    """Rows as the same arrays; `texts` names the inputs that are text."""
    return {
        name: np.array(["" if value is None else value for value in values], dtype=object)
        if name in texts
        else np.array([np.nan if value is None else value for value in values], dtype=np.float64).astype(np.float32)
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }


def _column(column: pl.Series) -> npt.NDArray[Any]:
    if column.dtype == pl.String:
        return column.fill_null("").to_numpy().astype(object)
    return column.cast(pl.Float64).to_numpy().astype(np.float32)  # null is NaN there
