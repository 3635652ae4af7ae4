"""Aggregates from running sums are those of the values themselves."""

import math
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.features import count, largest, mean, share, smallest, std, total
from mlops_lab.features.sum_terms import TERM_COUNTS, aggregate_value, extreme_value, terms

values = st.lists(st.none() | st.integers(-100, 100).map(float), max_size=8)


def summed(aggregate, numbers):
    rows = [terms(aggregate.how, number, aggregate.of) for number in numbers]
    sums = [sum(column) for column in zip(*rows, strict=True)] or [0] * TERM_COUNTS[aggregate.how]
    assert len(sums) == TERM_COUNTS[aggregate.how]
    return aggregate_value(aggregate, sums)


@given(values)
def test_values_by_their_definition(numbers):
    present = [number for number in numbers if number is not None]
    assert summed(count("x"), numbers) == len(present)
    assert summed(total("x"), numbers) == sum(present)
    assert summed(mean("x"), numbers) == (sum(present) / len(present) if present else None)
    assert summed(share("x", of=7.0), numbers) == (present.count(7.0) / len(present) if present else None)
    assert summed(std("x"), numbers) == (statistics.stdev(present) if len(present) > 1 else None)
    assert extreme_value(smallest("x"), numbers) == min(present, default=None)
    assert extreme_value(largest("x"), numbers) == max(present, default=None)


@given(
    st.lists(st.floats(-1e15, 1e15).filter(lambda number: number == 0 or abs(number) > 1e-30), min_size=1, max_size=9)
)
def test_totals_and_means_are_within_two_units_in_the_last_place(numbers):
    exact = sum(map(Fraction, numbers))
    for aggregate, expected in ((total("x"), exact), (mean("x"), exact / len(numbers))):
        assert abs(Fraction(summed(aggregate, numbers)) - expected) <= 2 * Fraction(math.ulp(float(expected)))


@pytest.mark.parametrize(("value", "of", "expected"), [("a", "a", (1, 1)), ("b", "a", (1, 0)), (None, "a", (0, 0))])
def test_a_share_counts_equal_values(value, of, expected):
    assert terms("share", value, of) == expected
