"""Pearson's statistic, beside SciPy's."""

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from mlops_lab.monitoring.detectors.chi_squared import chi_squared
from mlops_lab.monitoring.profile import make_profiles

words = st.lists(st.none() | st.sampled_from(["a", "b", "c"]), min_size=1, max_size=40)


@given(words, words)
def test_the_statistic_is_that_of_scipy(trained, seen):
    profile = make_profiles(pl.DataFrame({"x": pl.Series(trained, dtype=pl.String)}))["x"]
    listed = {word for word in trained if word is not None}

    def counts(values):
        other = sum(word is not None and word not in listed for word in values)
        return [*(values.count(word) for word in sorted(listed)), other, values.count(None)]

    table = np.array([counts(trained), counts(seen)])
    table = table[:, table.sum(axis=0) > 0]
    assume(table.shape[1] > 1)
    exact = stats.chi2_contingency(table, correction=False).statistic
    assert chi_squared(profile, pl.Series("x", seen, dtype=pl.String)) == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_without_a_change_it_is_about_the_number_of_bins():
    rng = np.random.default_rng(1)
    profile = make_profiles(pl.DataFrame({"x": rng.normal(size=50_000)}))["x"]
    for rows in (500, 20_000):
        values = [chi_squared(profile, pl.Series("x", rng.normal(size=rows))) for _ in range(50)]
        assert np.mean(values) == pytest.approx(9, rel=0.25)
