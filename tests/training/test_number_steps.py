"""Neighbouring numbers, and columns with some numbers replaced."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.training.number_steps import (
    from_float32_steps,
    replace_numbers,
    step_numbers,
    to_column,
    to_float32_steps,
    to_numbers,
)

FLOATS32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(FLOATS32, min_size=1))
def test_steps_lead_back_to_the_number_and_keep_the_order(values):
    numbers = np.array(values)
    steps = to_float32_steps(numbers)
    assert np.array_equal(from_float32_steps(steps), numbers)
    assert np.array_equal(np.argsort(steps, kind="stable"), np.argsort(numbers, kind="stable"))


@given(FLOATS32)
def test_the_next_step_is_the_next_number_of_float32(value):
    after = from_float32_steps(to_float32_steps(np.array([value])) + 1)[0]
    assert np.float32(after) == np.nextafter(np.float32(value), np.float32(np.inf))


@pytest.mark.parametrize(
    ("dtype", "in_float32", "expected"),
    [
        (pl.Float64(), False, [np.nextafter(0.1, -1), 0.1, np.nextafter(0.1, 1)]),
        (
            pl.Float64(),
            True,
            [float(np.nextafter(np.float32(0.1), np.float32(side))) for side in (-1, 0.1, 1)],
        ),
        (pl.Int64(), True, [-1.0, 0.0, 1.0]),
    ],
    ids=["float64", "float32", "whole numbers"],
)
def test_a_step_is_as_large_as_the_type_of_the_input_says(dtype, in_float32, expected):
    steps = [
        step_numbers(np.array([0.1]), direction, dtype=dtype, in_float32=in_float32)[0] for direction in (-1, 0, 1)
    ]
    assert steps == pytest.approx(expected, rel=0, abs=0)


def test_above_the_largest_number_is_infinity():
    largest = np.array([np.finfo(np.float64).max])
    assert step_numbers(largest, 1, dtype=pl.Float64(), in_float32=False)[0] == np.inf


def test_each_row_gets_its_number_in_the_input_that_is_named_for_it():
    rows = pl.DataFrame({"price": [1.0, 2.0, 3.0], "place": ["a", "b", None], "rooms": [1, 2, None]})
    changed = replace_numbers(rows, np.array([0, 2, 2]), np.array([9.0, 7.5, np.nan]))
    assert changed.schema == rows.schema
    assert changed.rows() == [(9.0, "a", 1), (2.0, "b", 7), (3.0, None, None)]


def test_what_a_column_cannot_hold_is_null():
    assert to_column(np.array([1.5, np.nan, 1e300]), like=pl.Series("n", [1], dtype=pl.Int32)).to_list() == [
        1,
        None,
        None,
    ]
    assert to_column(np.array([1.5, np.nan]), like=pl.Series("n", [1.0])).to_list() == [1.5, None]
    assert np.array_equal(to_numbers(pl.Series([1, None])), [1.0, np.nan], equal_nan=True)
