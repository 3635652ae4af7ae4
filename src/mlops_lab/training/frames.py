"""What an estimator sees: a pandas frame with one column an input where it picks columns by name, else a matrix.

Numbers and booleans are float32, missing ones NaN; missing text is "". It is what `registry.onnx` serves, so that a
number never falls on another side of a threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    import pandas as pd


def to_pandas(inputs: pl.DataFrame) -> pd.DataFrame:
    """The inputs as a frame."""
    import pandas as pd

    return pd.DataFrame({column.name: _column(column) for column in inputs.iter_columns()})


def to_matrix(inputs: pl.DataFrame) -> npt.NDArray[Any]:
    """The inputs as a matrix; of objects where some are text, for an estimator to say that it takes none."""
    return np.column_stack([_column(column) for column in inputs.iter_columns()])


def _column(column: pl.Series) -> npt.NDArray[Any]:
    if column.dtype == pl.String:
        return column.fill_null("").to_numpy().astype(object)
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float32)
