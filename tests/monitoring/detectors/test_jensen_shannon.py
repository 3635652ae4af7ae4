"""The Jensen-Shannon distance, beside SciPy's."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import distance

from mlops_lab.monitoring.detectors.jensen_shannon import jensen_shannon
from mlops_lab.monitoring.profile import all_shares, make_profiles

words = st.lists(st.none() | st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=40)
numbers = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(words, words)
def test_the_distance_of_words_is_that_of_scipy(trained, seen):
    profile = make_profiles(pl.DataFrame({"x": pl.Series(trained, dtype=pl.String)}))["x"]
    listed = sorted({word for word in trained if word is not None})

    def counts(values):
        return [
            *(values.count(word) for word in listed),
            sum(v is not None and v not in listed for v in values),
            values.count(None),
        ]

    value = jensen_shannon(profile, pl.Series("x", seen, dtype=pl.String))
    assert value == pytest.approx(distance.jensenshannon(counts(trained), counts(seen), base=2), abs=2e-8)
    assert value**2 == pytest.approx(distance.jensenshannon(counts(trained), counts(seen), base=2) ** 2, abs=1e-9)


@given(numbers, numbers)
def test_the_distance_of_numbers_is_that_of_scipy(trained, seen):
    profile = make_profiles(pl.DataFrame({"x": pl.Series(trained, dtype=pl.Float64)}))["x"]
    column = pl.Series("x", seen, dtype=pl.Float64)
    exact = distance.jensenshannon(*all_shares(profile, column), base=2)
    assert jensen_shannon(profile, column) ** 2 == pytest.approx(exact**2, abs=1e-9)


def test_nothing_in_common_is_one():
    profile = make_profiles(pl.DataFrame({"x": ["a", "b"]}))["x"]
    assert jensen_shannon(profile, pl.Series("x", ["c", None])) == pytest.approx(1)
    assert jensen_shannon(profile, pl.Series("x", [], dtype=pl.String)) == 0.0
