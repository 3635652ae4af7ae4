"""Loosely typed numbers, and the limit of rows."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput, TooLarge
from mlops_lab.serving.protocols.rows import check_row_count, convert_numbers

FIELDS = [("count", True), ("weight", False)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"count": 3.0, "weight": 3.0}, {"count": 3, "weight": 3.0}),
        ({"count": 3.5}, {"count": 3.5}),
        ({"count": math.nan, "weight": math.nan}, {"count": None, "weight": None}),
        ({"count": "3", "weight": None, "other": math.nan}, {"count": "3", "weight": None, "other": math.nan}),
        ({"count": True, "weight": 2**70}, {"count": True, "weight": 2**70}),
    ],
)
def test_numbers_become_what_their_field_is(row: dict[str, Any], expected: dict[str, Any]) -> None:
    convert_numbers(row, FIELDS, index=0)
    assert repr(row) == repr(expected)


@given(st.floats(allow_infinity=False), st.floats(allow_infinity=False))
def test_no_number_changes_its_value(count: float, weight: float) -> None:
    row: dict[str, Any] = {"count": count, "weight": weight}
    convert_numbers(row, FIELDS, index=0)
    assert row["weight"] == (None if math.isnan(weight) else weight)
    assert row["count"] == (None if math.isnan(count) else count)
    assert type(row["count"]) is not float or not row["count"].is_integer()


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinite_number_is_refused_with_its_row(value: float) -> None:
    with pytest.raises(InvalidInput) as caught:
        convert_numbers({"weight": value}, FIELDS, index=5)
    assert caught.value.where == "rows[5].weight"


@given(st.integers(0, 20), st.integers(0, 20))
def test_more_rows_than_the_limit_are_too_many(rows: int, max_rows: int) -> None:
    if rows <= max_rows:
        check_row_count(rows, max_rows, where="$")
    else:
        with pytest.raises(TooLarge) as caught:
            check_row_count(rows, max_rows, where="$")
        assert caught.value.code == "too_many_rows"
