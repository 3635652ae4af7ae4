"""The share of numbers that training did not have."""

import numpy as np
import polars as pl
import pytest

from mlops_lab.monitoring.detectors.new_values import measure_new_values
from mlops_lab.monitoring.profile import make_profiles


def share(trained: object, seen: list[float | None]) -> float:
    profile = make_profiles(pl.DataFrame({"x": trained}))["x"]
    return measure_new_values(profile, pl.Series("x", seen, dtype=pl.Float64))


def test_values_that_training_did_not_have_count():
    assert share([1.0, 2.0, 5.0], [1.0, 5.0, 5.0, 7.0, None]) == 0.25
    assert share([1.0, 2.0], [0.0, 3.0, 1.5]) == 1
    assert share([1.0, 2.0], [None]) == 0


def test_in_another_unit_hardly_any_value_of_a_gauge_is_known():
    rng = np.random.default_rng(1)
    speeds = np.round(rng.gamma(3.0, 3.0, size=5_000))
    today = np.round(rng.gamma(3.0, 3.0, size=500))
    assert share(speeds, today.tolist()) == pytest.approx(0, abs=0.02)
    assert share(speeds, (today * 1.609344).tolist()) > 0.9


def test_of_a_number_with_very_many_values_all_are_new_as_usual():
    rng = np.random.default_rng(1)
    assert share(rng.normal(size=5_000), rng.normal(size=500).tolist()) == pytest.approx(1, abs=0.01)
