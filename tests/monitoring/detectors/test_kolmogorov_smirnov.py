"""The Kolmogorov-Smirnov statistic, beside SciPy's."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops_lab.monitoring.detectors.kolmogorov_smirnov import kolmogorov_smirnov
from mlops_lab.monitoring.profile import make_profiles

numbers = st.lists(st.floats(-1e6, 1e6) | st.integers(0, 4).map(float), min_size=1, max_size=60)


@given(numbers, numbers)
def test_the_statistic_is_that_of_scipy(trained: list[float], seen: list[float]):
    profile = make_profiles(pl.DataFrame({"x": trained}))["x"]
    value = kolmogorov_smirnov(profile, pl.Series("x", [*seen, None]))
    assert value == pytest.approx(stats.ks_2samp(trained, seen).statistic, abs=1e-9)


def test_a_sample_of_many_values_is_as_good_as_all():
    trained = [float(number) for number in range(100_000)]
    profile = make_profiles(pl.DataFrame({"x": trained}))["x"]
    assert kolmogorov_smirnov(profile, pl.Series("x", trained)) < 1 / 500
    assert kolmogorov_smirnov(profile, pl.Series("x", trained) + 25_000) == pytest.approx(0.25, abs=1 / 500)


def test_without_values_there_is_no_distance():
    profile = make_profiles(pl.DataFrame({"x": [1.0, 2.0]}))["x"]
    assert kolmogorov_smirnov(profile, pl.Series("x", [None, float("nan")], dtype=pl.Float64)) == 0.0
    assert kolmogorov_smirnov(profile, pl.Series("x", [3.0])) == 1.0
