"""Inputs column by column: the same numbers and texts from a frame as from rows."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.registry.columns import rows_to_columns, to_columns

SCHEMA = {"price": pl.Float64, "rooms": pl.Int64, "new": pl.Boolean, "place": pl.String}
ROWS = st.lists(
    st.tuples(
        st.none() | st.floats(width=32),
        st.none() | st.integers(-(2**40), 2**40),
        st.none() | st.booleans(),
        st.none() | st.text(max_size=3),
    ),
    min_size=1,
    max_size=6,
)


@given(ROWS)
def test_rows_and_a_frame_become_the_same_columns(rows):
    from_frame = to_columns(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    from_rows = rows_to_columns(rows, list(SCHEMA), ["place"])
    assert list(from_frame) == list(from_rows) == list(SCHEMA)
    for name in ("price", "rooms", "new"):
        assert from_frame[name].dtype == from_rows[name].dtype == np.float32
        assert np.array_equal(from_frame[name], from_rows[name], equal_nan=True)
    assert from_frame["place"].dtype == from_rows["place"].dtype == object
    assert from_frame["place"].tolist() == from_rows["place"].tolist()


def test_what_is_missing_is_nan_or_an_empty_text():
    columns = to_columns(pl.DataFrame({"price": [None, 1.5], "new": [True, None], "place": [None, "a"]}))
    assert np.isnan(columns["price"][0])
    assert np.isnan(columns["new"][1])
    assert columns["new"][0] == 1.0
    assert columns["place"].tolist() == ["", "a"]
