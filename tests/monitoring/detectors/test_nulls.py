"""Detector: the share of nulls."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.monitoring.detectors.nulls import measure_nulls
from mlops_lab.monitoring.profile import make_profiles

PROFILE = make_profiles(pl.DataFrame({"x": [1.0, None]}))["x"]


@given(st.lists(st.none() | st.floats(), min_size=1))
def test_the_share_is_that_of_the_requests(values):
    share = measure_nulls(PROFILE, pl.Series("x", values, dtype=pl.Float64))
    assert share == pytest.approx(values.count(None) / len(values))


def test_not_a_number_is_not_null():
    assert measure_nulls(PROFILE, pl.Series("x", [float("nan"), None])) == 0.5
