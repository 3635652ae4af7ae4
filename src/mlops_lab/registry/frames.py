"""What an estimator is given: a pandas frame with one column an input where it picks columns by name, else a matrix.

Numbers and booleans are float32, missing ones NaN; missing text is "". Engines compute with the same numbers, so that
none falls on the other side of a threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.registry.columns import Columns, to_columns

if TYPE_CHECKING:
    import pandas as pd


def to_pandas(inputs: pl.DataFrame) -> pd.DataFrame:
    """The inputs as a frame."""
    return as_frame(to_columns(inputs))


def to_matrix(inputs: pl.DataFrame) -> npt.NDArray[Any]:
    """The inputs as a matrix; of objects where some are text, which an estimator that takes no text refuses."""
    return as_matrix(to_columns(inputs))


def as_frame(columns: Columns) -> pd.DataFrame:
    """A frame of these columns."""
    import pandas as pd

    return pd.DataFrame(dict(columns))


def as_matrix(columns: Columns) -> npt.NDArray[Any]:
    """A matrix of these columns."""
    return np.column_stack(list(columns.values()))


def picks_columns(estimator: Any) -> bool:
    """Whether the estimator, or a part of it, takes columns by name; others are given a matrix."""
    from sklearn.compose import ColumnTransformer

    return any(isinstance(part, ColumnTransformer) for part in (estimator, *estimator.get_params().values()))
