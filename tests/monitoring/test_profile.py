"""Profiles of the training data: what does not fit into a bin is still counted."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.monitoring.profile import bin_shares, make_profiles, null_share

columns = st.one_of(
    st.lists(st.none() | st.floats(), max_size=40).map(lambda values: pl.Series("x", values, dtype=pl.Float64)),
    st.lists(st.none() | st.text(max_size=3), max_size=40).map(lambda values: pl.Series("x", values, dtype=pl.String)),
    st.lists(st.none() | st.booleans(), max_size=40).map(lambda values: pl.Series("x", values, dtype=pl.Boolean)),
)


@given(columns, columns)
def test_every_value_lies_in_one_bin_or_is_null(trained, seen):
    profile = make_profiles(trained.to_frame())["x"]
    for column in (trained, *([seen] if seen.dtype == trained.dtype else [])):
        shares = bin_shares(profile, column)
        assert (shares >= 0).all()
        assert len(shares) == len(profile.shares)
        assert shares.sum() + null_share(column) == pytest.approx(1.0 if len(column) else 0.0)


def test_edges_are_the_deciles():
    profile = make_profiles(pl.DataFrame({"x": [float(value) for value in range(101)]}))["x"]
    assert profile.edges == pytest.approx([10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0])
    assert profile.categories is None
    assert profile.null_share == 0.0


def test_an_empty_column_has_no_nulls():
    assert null_share(pl.Series("x", [], dtype=pl.Float64)) == 0.0
