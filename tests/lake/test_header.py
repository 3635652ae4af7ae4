"""Lines above the names are told from the names, and names from values."""

from __future__ import annotations

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.header import check_has_names, check_is_table, check_names, count_lines_above


@pytest.mark.parametrize(
    ("lines", "above"),
    [
        (["a,b", "1,2"], 0),
        (["sep=;", "a;b"], 1),
        (["# one", "# two", "a,b", "1,2"], 2),
        (["# one", "#a,b", "1,2"], 1),
        (["# by a tool, on a day", "a,b", "1,2"], 1),
        (["#a", "#b"], 0),
        ([], 0),
    ],
)
def test_lines_above_the_names_are_counted(lines: list[str], above: int) -> None:
    assert count_lines_above(lines) == above


@pytest.mark.parametrize(
    ("rows", "has_names"),
    [
        ([["a", "b"], ["1", "2"]], True),
        ([["0", "1"], ["1", "2"]], True),
        ([["country", "2019"], ["DE", "2"]], True),
        ([["a", "b"], ["a", "x"]], True),
        ([["5.1", "x"], ["4.9", "y"]], False),
        ([["39", "x", "z"], ["50", "x", "y"], ["1", "u", "z"]], False),
        ([["3", "1"], ["1", "2"]], False),
        ([["3"], ["1"]], True),
    ],
)
def test_a_first_row_of_values_is_refused(rows: list[list[str]], has_names: bool) -> None:
    if has_names:
        check_has_names(rows, "a.csv")
    else:
        with pytest.raises(InvalidInput, match="no names") as caught:
            check_has_names(rows, "a.csv")
        assert "--names" in str(caught.value.hint)


def test_a_page_is_no_table_and_each_column_has_one_name() -> None:
    check_is_table("a,b\n<html>,1\n", "a.csv")
    for page in ("<!doctype html>", " <HTML lang=de>", '<?xml version="1.0"?>'):
        with pytest.raises(InvalidInput, match="page"):
            check_is_table(page, "a.csv")
    check_names(["a", "b"], 2, "a.csv")
    with pytest.raises(InvalidInput, match="3 columns, and 2 names"):
        check_names(["a", "b"], 3, "a.csv")
