"""Drift: the stability index against its definition, computed with NumPy and SciPy."""

import math
from itertools import pairwise

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from slow import examples

from mlops_lab.monitoring.detectors.psi import FLOOR, psi
from mlops_lab.monitoring.profile import BINS, MAX_CATEGORIES, Profile, make_profiles

numbers = st.lists(st.none() | st.floats(-1e9, 1e9) | st.integers(0, 3).map(float), min_size=1, max_size=60)
words = st.lists(st.none() | st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=40)


def profile_of(values, dtype) -> Profile:
    return make_profiles(pl.DataFrame({"x": pl.Series(values, dtype=dtype)}))["x"]


def psi_of(trained, seen, dtype=pl.Float64) -> float:
    return psi(profile_of(trained, dtype), pl.Series("x", seen, dtype=dtype))


def index(expected, actual) -> float:
    """The sum of (a - e) ln(a / e): the two relative entropies of the shares, added."""
    e, a = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    return (
        float(stats.entropy(a, e) * a.sum() - stats.entropy(e, a) * -e.sum())
        if math.isclose(a.sum(), 1) and math.isclose(e.sum(), 1)
        else float(sum((x - y) * math.log(x / y) for x, y in zip(a, e, strict=True)))
    )


def number_shares(trained, values) -> list[float]:
    """Shares between the deciles of the training data, then the share of nulls, in plain loops."""
    known = [value for value in trained if value is not None]
    edges = sorted(set(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))) if known else []
    bounds = [-math.inf, *edges, math.inf]
    counts = [sum(low < value <= high for value in values if value is not None) for low, high in pairwise(bounds)]
    return [count / len(values) for count in [*counts, sum(value is None for value in values)]]


def word_shares(trained, values) -> list[float]:
    listed = sorted({value for value in trained if value is not None})
    counts = [values.count(word) for word in listed]
    nulls = values.count(None)
    return [count / len(values) for count in [*counts, len(values) - sum(counts) - nulls, nulls]]


@given(numbers, numbers)
def test_the_index_of_numbers_is_that_of_the_definition(trained, seen):
    expected = index(number_shares(trained, trained), number_shares(trained, seen))
    assert psi_of(trained, seen) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(words, words)
def test_the_index_of_words_is_that_of_the_definition(trained, seen):
    expected = index(word_shares(trained, trained), word_shares(trained, seen))
    assert psi_of(trained, seen, pl.String) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(numbers, numbers, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_the_same_has_not_moved(trained, seen, random):
    before = psi_of(trained, seen)
    assert before >= 0
    random.shuffle(trained)
    random.shuffle(seen)
    assert psi_of(trained, seen) == before
    assert psi_of(trained, trained) == 0.0


@example([math.inf, 1.0], [1.0, None])
@example([math.nan, 1.0], [math.nan])
@example([-math.inf], [math.inf])
@given(st.lists(st.none() | st.floats(), min_size=1, max_size=30), numbers)
def test_a_profile_survives_its_file_whatever_it_saw(trained, seen):
    """Also infinities and what is no number, which JSON cannot say."""
    profile = profile_of(trained, pl.Float64)
    back = msgspec.json.decode(msgspec.json.encode(profile), type=Profile)
    assert back == profile
    assert sum(profile.shares) + profile.null_share == pytest.approx(1)
    assert math.isfinite(psi(back, pl.Series("x", seen, dtype=pl.Float64)))
    assert math.isfinite(psi(back, pl.Series("x", trained, dtype=pl.Float64)))


@examples(200)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=60),
)
def test_psi_is_that_of_the_formula(trained: list[float], seen: list[float | None]):
    """The formula written down a second time, with a histogram by plain comparison."""
    edges = np.unique(np.quantile(trained, np.linspace(0, 1, 11)[1:-1]))
    low, high = np.array([-np.inf, *edges]), np.array([*edges, np.inf])

    def shares(values: list[float | None]) -> np.ndarray:
        known = np.array([value for value in values if value is not None])
        inside = (known[:, None] > low) & (known[:, None] <= high) if len(known) else np.zeros((1, len(low)))
        return np.maximum([*(inside.sum(axis=0) / len(values)), (len(values) - len(known)) / len(values)], FLOOR)

    expected, actual = shares(trained), shares(seen)
    formula = float(sum((a - e) * math.log(a / e) for a, e in zip(actual, expected, strict=True)))
    profile = profile_of(trained, pl.Float64)
    assert psi(profile, pl.Series("x", seen, dtype=pl.Float64)) == pytest.approx(formula, abs=1e-9)


def test_the_index_by_example():
    """Half and half became a quarter and three quarters."""
    assert psi_of(["a", "b"], ["a", "b", "b", "b"], pl.String) == pytest.approx(0.25 * math.log(3))


def test_a_shift_of_a_normal_distribution_shows():
    rng = np.random.default_rng(1)
    trained = rng.normal(0, 1, 20_000)
    edges = stats.norm.ppf(np.linspace(0, 1, 11))
    for shift in (0.0, 0.25, 1.0):
        shares = np.diff(stats.norm.cdf(edges - shift))  # what the deciles of N(0, 1) hold of N(shift, 1)
        exact = float(np.sum((shares - 0.1) * np.log(shares / 0.1)))
        assert psi_of(trained, rng.normal(shift, 1, 20_000)) == pytest.approx(exact, abs=0.02 + 0.05 * exact)


def test_nulls_are_a_bin_of_their_own():
    assert psi_of([1.0, 2.0], [1.0, 2.0]) == 0.0
    moved = psi_of([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, None, None])
    assert moved > 1
    assert psi_of([None, None], [None]) == 0.0
    assert psi_of([None, None], [1.0]) > 5


def test_unseen_categories_are_a_bin_of_their_own():
    same = psi_of(["a", "b"], ["a", "b"], pl.String)
    new = psi_of(["a", "b"], ["a", "new"], pl.String)
    assert same == 0.0
    assert new == pytest.approx(psi_of(["a", "b"], ["a", "other"], pl.String))
    assert new == pytest.approx(2 * (0.5 - FLOOR) * math.log(0.5 / FLOOR))


def test_rare_categories_are_put_together():
    words = [f"w{number:03}" for number in range(MAX_CATEGORIES + 20)]
    profile = profile_of([*words, *words[:MAX_CATEGORIES]], pl.String)
    assert profile.categories == words[:MAX_CATEGORIES]
    assert profile.shares[-1] == pytest.approx(20 / 120)
    assert len(profile.shares) == MAX_CATEGORIES + 1


def test_numbers_of_one_value_are_cut_once():
    profile = profile_of([5.0] * 10, pl.Float64)
    assert profile.edges == [5.0]
    assert profile.shares == [1.0, 0.0]


def test_every_input_of_the_model_has_a_profile(tiny):
    profiles = make_profiles(tiny.training.inputs)
    assert list(profiles) == list(tiny.training.inputs.columns)
    drift = {name: psi(profile, tiny.training.holdout_inputs[name]) for name, profile in profiles.items()}
    assert max(drift.values()) < 0.25  # nothing was changed between the two
    reversed_hours = tiny.training.holdout_inputs["amount"] * 10
    assert psi(profiles["amount"], reversed_hours) > 1
