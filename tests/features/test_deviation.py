"""The standard deviation is the float nearest to the exact value, computed one at a time and many at once."""

import statistics

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.features.deviation import estimate_deviation, exact_deviation
from mlops_lab.features.exact import RunningSums, multiply, to_whole

small, integers = st.floats(-1e3, 1e3), st.integers(-1000, 1000).map(float)
floats = st.floats(-1e140, 1e140).filter(lambda value: value == 0 or abs(value) > 1e-30) | integers
numbers = st.lists(floats, min_size=2, max_size=12)
shifts = st.sampled_from([0.0, 1e3, 1e6, 1e9, 1e12, 1.5e15])
shifted = st.builds(
    lambda values, mean: [value + mean for value in values], st.lists(small | integers, min_size=2, max_size=60), shifts
)
lists = (numbers | shifted).filter(lambda values: all(value == 0 or abs(value) > 1e-30 for value in values))


def sums_of(values: list[float]) -> tuple[int, int, int]:
    squares = sum(to_whole(part) for value in values for part in multiply(value, value))
    return len(values), sum(map(to_whole, values)), squares


@examples(500)
@given(lists)
@example([0.1] * 3)
@example([1.0, 1.0 + 2**-52])
@example([3e-31, -3e-31])
def test_one_deviation_is_that_of_the_standard_library_to_the_last_bit(values):
    """Which computes with fractions, and rounds once."""
    assert exact_deviation(*sums_of(values)) == statistics.stdev(values)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # sums that overflow are uncertain
@examples(500)
@given(lists)
@example([0.0, 0.0])
@example([0.1] * 3)
@example([1e140, -1e140])
def test_what_is_certain_is_exact(values):
    terms = np.array(values)
    start, end = np.array([0]), np.array([len(values)])
    sums, squares = RunningSums(terms), RunningSums(*multiply(terms, terms))
    since = start
    estimate, is_certain = estimate_deviation(
        np.array([float(len(values))]), sums.between((sums, since), end), squares.between((squares, since), end)
    )
    if is_certain[0]:
        assert estimate[0] == statistics.stdev(values)
    whole = sums.whole_between((sums, since), end)[0], squares.whole_between((squares, since), end)[0]
    assert (len(values), *whole) == sums_of(values)


def test_usual_data_needs_no_second_computation():
    """Of numbers whose mean is up to some thousands of deviations."""
    draw = np.random.default_rng(1)
    for mean in (0.0, 40.0, 1e5):
        terms = draw.normal(mean, 40.0, 100_000)
        sums, squares = RunningSums(terms), RunningSums(*multiply(terms, terms))
        since = np.arange(0, 90_000, 7)
        until = since + 50
        count = np.full(len(since), 50.0)
        estimate, is_certain = estimate_deviation(
            count, sums.between((sums, since), until), squares.between((squares, since), until)
        )
        assert is_certain.all()
        for row in range(0, len(since), 500):
            assert estimate[row] == statistics.stdev(terms[since[row] : until[row]].tolist())


@pytest.mark.parametrize("values", [[0.0, 0.0], [7.5, 7.5], [1e-70, -1e-70]])
def test_equal_numbers_and_those_with_squares_too_small_have_none(values):
    assert exact_deviation(*sums_of(values)) == 0.0
