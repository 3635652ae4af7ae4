"""Numbers, codes and missing values in columns of text."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.lake.text_values import MISSING_MARKS, parse_numbers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", " 2 ", "NA"], [1, 2, None]),
        (["1.5", "-", "2"], [1.5, None, 2.0]),
        (["007", "8"], ["007", "8"]),
        (["0.5", "0"], [0.5, 0.0]),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"]),
        (["1", "x"], ["1", "x"]),
        (["NA", "?"], ["NA", "?"]),
        ([None, None], [None, None]),
    ],
)
def test_a_column_is_read_by_its_values(values: list[str | None], expected: list[object]) -> None:
    frame = pl.DataFrame({"x": values}, schema={"x": pl.String})
    assert parse_numbers(frame, None)["x"].to_list() == expected


def test_declared_text_is_not_changed_and_marks_in_other_declared_columns_are_null() -> None:
    frame = pl.DataFrame({"name": ["1", "NA"], "day": ["2024-01-02", " NULL "]})
    assert parse_numbers(frame, frozenset({"name"})).rows() == [("1", "2024-01-02"), ("NA", None)]


@given(st.lists(st.integers(-(2**53), 2**53) | st.sampled_from(MISSING_MARKS), min_size=1, max_size=8))
def test_integers_and_marks_become_integers_and_nulls(values: list[int | str]) -> None:
    frame = pl.DataFrame({"x": [str(value) for value in values]})
    expected = [value if isinstance(value, int) else None for value in values]
    column = parse_numbers(frame, None)["x"]
    if any(value is not None for value in expected):
        assert column.to_list() == expected
    else:
        assert column.to_list() == values, "only marks: they may be values of a text column"
