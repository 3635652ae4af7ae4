"""The Wasserstein distance, beside SciPy's."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops_lab.monitoring.detectors.wasserstein import wasserstein
from mlops_lab.monitoring.profile import make_profiles

numbers = st.lists(st.floats(-1e6, 1e6) | st.integers(0, 4).map(float), min_size=1, max_size=60)


@given(numbers, numbers)
def test_the_distance_is_that_of_scipy(trained: list[float], seen: list[float]):
    profile = make_profiles(pl.DataFrame({"x": trained}))["x"]
    value = wasserstein(profile, pl.Series("x", [*seen, None]))
    assert value == pytest.approx(stats.wasserstein_distance(trained, seen), rel=1e-9, abs=1e-9)


def test_it_has_the_unit_of_the_input():
    profile = make_profiles(pl.DataFrame({"x": [1.0, 2.0, 3.0]}))["x"]
    assert wasserstein(profile, pl.Series("x", [11.0, 12.0, 13.0])) == pytest.approx(10)
    assert wasserstein(profile, pl.Series("x", [None], dtype=pl.Float64)) == 0.0
