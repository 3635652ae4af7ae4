"""Groups of rows: each row is in exactly one, and their order can be read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.notebook.groups import MAX_GROUPS, MAX_VALUES, group_rows

VALUES = st.one_of(
    st.lists(st.none() | st.sampled_from("abc"), min_size=1),
    st.lists(st.none() | st.integers(0, 60), min_size=1, max_size=80),
    st.lists(st.none() | st.booleans(), min_size=1),
)


@given(values=VALUES)
def test_every_row_is_in_exactly_one_group(tiny: Any, values: list[object]) -> None:
    groups = group_rows(tiny.project, pl.DataFrame({"x": pl.Series(values, strict=False)}), "x")
    assert sorted(index for indexes in groups.indexes for index in indexes) == list(range(len(values)))
    assert len(groups.indexes) == len(groups.values) == groups.values.n_unique()
    for value, indexes in zip(groups.values, groups.indexes, strict=True):
        assert (value is None) == all(values[index] is None for index in indexes)


def test_text_comes_with_the_largest_group_first_and_numbers_ascending(tiny: Any) -> None:
    rows = pl.DataFrame({"text": ["a", "b", "b", None, "c", "c", "c"], "number": [3, 1, 2, 1, None, 3, 3]})
    by_text, by_number = group_rows(tiny.project, rows, "text"), group_rows(tiny.project, rows, "number")
    assert by_text.values.to_list() == ["c", "b", "a", None]
    assert by_number.values.to_list() == [1, 2, 3, None]
    assert [indexes.to_list() for indexes in by_number.indexes] == [[1, 3], [2], [0, 5, 6], [4]]


def test_many_different_numbers_become_quarters(tiny: Any) -> None:
    count = 4 * MAX_VALUES
    groups = group_rows(tiny.project, pl.DataFrame({"x": range(count)}), "x")
    assert groups.values.to_list() == ["0 to 19", "20 to 39", "40 to 59", "60 to 79"]
    assert [len(indexes) for indexes in groups.indexes] == [MAX_VALUES] * 4


def test_a_day_is_one_of_the_projects_time_zone_unless_a_column_has_the_name(tiny: Any) -> None:
    moments = pl.Series("asked_at", [datetime(2013, 3, 1, 4), datetime(2013, 3, 1, 6)]).dt.replace_time_zone("UTC")
    rows = pl.DataFrame([moments])
    assert group_rows(tiny.project, rows, "day").values.to_list() == [date(2013, 2, 28), date(2013, 3, 1)]
    assert group_rows(tiny.project, rows.with_columns(day=pl.lit("x")), "day").values.to_list() == ["x"]


@pytest.mark.parametrize("by", ["colour", pl.col("x").sum(), pl.col("colour") + 1])
def test_what_gives_no_value_for_each_row_is_refused(tiny: Any, by: str | pl.Expr) -> None:
    with pytest.raises(InvalidInput) as caught:
        group_rows(tiny.project, pl.DataFrame({"x": [1, 2]}), by)
    assert caught.value.code == "bad_group"
    assert "x" in str(caught.value.hint)


def test_too_many_groups_are_refused(tiny: Any) -> None:
    names = pl.DataFrame({"name": [str(number) for number in range(MAX_GROUPS + 1)]})
    with pytest.raises(InvalidInput, match="too many") as caught:
        group_rows(tiny.project, names, "name")
    assert caught.value.code == "too_many_groups"
    assert len(group_rows(tiny.project, names[1:], "name").indexes) == MAX_GROUPS
