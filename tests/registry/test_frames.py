"""What an estimator is given: a frame where it picks columns by name, else a matrix."""

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_lab.registry.frames import picks_columns, to_matrix, to_pandas

INPUTS = pl.DataFrame({"price": [0.1, None], "new": [True, None], "place": ["a", None]})
COLUMNS = make_column_transformer((StandardScaler(), ["price"]))


def test_a_frame_has_one_column_an_input_with_float32_and_text():
    frame = to_pandas(INPUTS)
    assert list(frame.columns) == ["price", "new", "place"]
    assert frame["price"].dtype == frame["new"].dtype == np.float32
    assert frame["price"][0] == np.float32(0.1)
    assert frame["price"].isna().tolist() == frame["new"].isna().tolist() == [False, True]
    assert frame["place"].tolist() == ["a", ""]


def test_a_matrix_is_of_float32_and_of_objects_where_an_input_is_text():
    assert to_matrix(INPUTS.drop("place")).dtype == np.float32
    assert to_matrix(INPUTS).dtype == object
    assert to_matrix(INPUTS).shape == (2, 3)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (LogisticRegression(), False),
        (make_pipeline(StandardScaler(), LogisticRegression()), False),
        (COLUMNS, True),
        (make_pipeline(COLUMNS, LogisticRegression()), True),
        (GridSearchCV(make_pipeline(COLUMNS, LogisticRegression()), {}), True),
    ],
    ids=["alone", "pipeline", "columns", "columns first", "inside a search"],
)
def test_whether_columns_are_picked_by_name(estimator, expected):
    assert picks_columns(estimator) is expected
