"""Aggregates from running sums are those of the values themselves."""

import math
import statistics

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
    spread = summed(std("x"), numbers)
    if len(present) < 2:
        assert spread is None
    else:
        assert math.isclose(spread, statistics.stdev(present), abs_tol=1e-9)
    assert extreme_value(smallest("x"), numbers) == min(present, default=None)
    assert extreme_value(largest("x"), numbers) == max(present, default=None)


@pytest.mark.parametrize(("value", "of", "expected"), [("a", "a", (1, 1)), ("b", "a", (1, 0)), (None, "a", (0, 0))])
def test_a_share_counts_equal_values(value, of, expected):
    assert terms("share", value, of) == expected
