import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops_lab.monitoring.detectors.shift import measure_shift
from mlops_lab.monitoring.profile import make_profiles

numbers = st.lists(st.floats(-1e6, 1e6) | st.integers(0, 4).map(float), min_size=1, max_size=60)


def shift(trained: object, seen: object) -> float:
    profile = make_profiles(pl.DataFrame({"x": trained}))["x"]
    return measure_shift(profile, pl.Series("x", seen, dtype=pl.Float64))


@given(numbers, numbers)
def test_it_is_the_distance_of_scipy_in_deviations_of_training(trained: list[float], seen: list[float]):
    scale = float(np.std(np.sort(trained)) if len({*trained}) > 1 else abs(trained[0])) or 1.0
    expected = min(stats.wasserstein_distance(trained, seen) / scale, sys.float_info.max)
    assert shift(trained, seen) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(st.floats(0.001, 1e6))
def test_the_unit_does_not_matter(unit: float):
    trained, seen = np.array([1.0, 2.0, 5.0]), np.array([2.0, 4.0])
    assert shift(trained * unit, seen * unit) == pytest.approx(shift(trained, seen))


def test_beyond_the_range_of_training_it_still_grows():
    trained = np.arange(30.0)
    assert shift(trained, trained + 500) == pytest.approx(10 * shift(trained, trained + 50))


def test_of_a_constant_it_is_a_share_of_its_value():
    assert shift([5.0, 5.0], [10.0]) == 1
    assert shift([0.0, 0.0], [3.0]) == 3
    assert shift([0.1, 0.1, 0.1], [0.1, 0.2]) == pytest.approx(0.5), "though their mean is rounded"
