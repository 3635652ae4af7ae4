"""Exact sums: whatever the order and size of the terms, the same float, which is the nearest to the true sum."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from mlops_lab.features.exact import LOWEST, RunningSums, multiply, to_double, to_whole

floats = st.floats(-1e15, 1e15) | st.integers(-1000, 1000).map(float) | st.sampled_from([0.1, 1e200, -1e200, 1e-70])
lists = st.lists(floats.filter(lambda value: value == 0 or abs(value) > 1e-75), min_size=1, max_size=12)


@given(floats.filter(lambda value: value == 0 or abs(value) > 1e-75))
def test_a_float_is_a_whole_number_of_units(value):
    assert Fraction(to_whole(value)) * Fraction(2) ** LOWEST == Fraction(value)
    assert to_double(to_whole(value)) == (value, 0.0)


@given(lists)
def test_the_first_float_of_a_sum_is_near_and_both_together_are_nearer(values):
    exact = sum(map(Fraction, values))
    high, low = to_double(sum(map(to_whole, values)))
    assert math.isclose(high, float(exact), rel_tol=1e-15)
    assert abs(Fraction(high) + Fraction(low) - exact) <= abs(exact) * Fraction(2) ** -90


@given(lists, st.data())
def test_running_sums_are_those_of_whole_numbers_to_the_last_bit(values, data):
    """In training and in serving the same steps lead to the same floats."""
    order = data.draw(st.permutations(range(len(values))))
    since = data.draw(st.integers(0, len(values)))
    until = data.draw(st.integers(since, len(values)))
    terms = np.array(values)
    sums, others = RunningSums(terms), RunningSums(terms[list(order)])
    high, low = sums.between((others, np.array([since])), np.array([until]))
    whole = sum(map(to_whole, values[:until])) - sum(to_whole(values[index]) for index in order[:since])
    assert (high[0], low[0]) == to_double(whole)
    assert sums.whole_between((others, np.array([since])), np.array([until])) == [whole]


@given(st.floats(-1e100, 1e100), st.floats(-1e100, 1e100))
def test_a_product_and_its_rounding_error_are_exact(a, b):
    assume(a == 0 or b == 0 or abs(a * b) > 1e-250)
    product, error = multiply(a, b)
    assert product == a * b
    assert Fraction(product) + Fraction(error) == Fraction(a) * Fraction(b)
