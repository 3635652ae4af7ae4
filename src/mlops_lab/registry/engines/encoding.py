"""From model inputs to the numbers that trees are given: text becomes the code of its category, null becomes NaN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

_NAN = float("nan")


def learn_categories(inputs: pl.DataFrame) -> dict[str, list[str]]:
    """The values of every text column, most frequent first (ties by name): a code never depends on row order."""
    categories = {}
    for column in inputs.iter_columns():
        if column.dtype == pl.String:
            counts = column.drop_nulls().value_counts().sort(["count", column.name], descending=[True, False])
            categories[column.name] = counts[column.name].to_list()
    return categories


class Encoder:
    """Turns inputs into numbers; an unseen category is missing, like null."""

    def __init__(self, inputs: Sequence[str], categories: Mapping[str, Sequence[str]]) -> None:
        self.inputs = list(inputs)
        self.categories = categories
        self._codes: list[dict[str, float] | None] = [
            {value: float(code) for code, value in enumerate(categories[name])} if name in categories else None
            for name in inputs
        ]
        self._columns = [
            (pl.col(name) if name not in categories else _code(name, categories[name])).cast(pl.Float64).fill_null(_NAN)
            for name in inputs
        ]

    def encode_row(self, values: Sequence[Any]) -> list[float]:
        """One row of inputs, in their order, as floats."""
        return [
            (_NAN if value is None else float(value)) if codes is None else codes.get(value, _NAN)
            for value, codes in zip(values, self._codes, strict=True)
        ]

    def encode_rows(self, rows: Sequence[Sequence[Any]]) -> npt.NDArray[np.float64]:
        """Some rows of inputs as a matrix of shape (rows, inputs); equal to `encode_row` cell by cell."""
        columns = zip(*rows, strict=True) if rows else ((),) * len(self.inputs)
        numbers = [
            column if codes is None else map(codes.get, column, repeat(_NAN))
            for codes, column in zip(self._codes, columns, strict=True)
        ]
        matrix = np.fromiter(chain.from_iterable(numbers), np.float64, count=len(rows) * len(numbers))
        return np.ascontiguousarray(matrix.reshape(len(numbers), len(rows)).T)

    def encode(self, inputs: pl.DataFrame) -> npt.NDArray[np.float64]:
        """A frame of inputs as a matrix of shape (rows, inputs); equal to `encode_row` cell by cell."""
        return inputs.select(self._columns).to_numpy() if self.inputs else np.empty((inputs.height, 0))


def _code(name: str, values: Sequence[str]) -> pl.Expr:
    """The code of each text; null for a text that is not among the values."""
    return pl.col(name).cast(pl.Enum(values), strict=False).to_physical()
