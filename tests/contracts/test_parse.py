"""Columns of files become their declared types, or it is said which row does not fit."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.parse import parse_column, read_cells
from mlops_lab.errors import InvalidInput


def parse(values: list[object], kind: str, dtype: pl.DataType | None = None) -> list[object]:
    column = pl.Series("x", values, dtype=dtype)
    return parse_column(column, Field("x", kind, nullable=True), "t").to_list()


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2], "float", [1.0, 2.0]),
        ([1.0, None], "integer", [1, None]),
        ([1.0, 2.5, 2.0**60], "integer", [1, None, None]),
        ([1.5, 2.5], "integer", None),
        (["1", "2.0", "x"], "integer", [1, 2, None]),
        (["1", "2", "x"], "integer", [1, 2, None]),
        (["1", "x", "y"], "integer", None),
        (["1", "2"], "integer", None),
        ([7, None], "string", ["7", None]),
        ([7.0, None], "string", ["7", None]),
        ([7.5, None], "string", None),
        (["Yes", " no ", "?"], "boolean", [True, False, None]),
        (["?", "!"], "boolean", None),
        ([1, 0, 2], "boolean", [True, False, None]),
        ([None, None], "boolean", [None, None]),
    ],
)
def test_values_in_files_are_converted_where_their_meaning_is_clear(values, kind, expected):
    if expected is None:
        with pytest.raises(InvalidInput) as caught:
            parse(values, kind)
        assert caught.value.code == "wrong_type"
        assert f"expected {kind}" in caught.value.what
    else:
        assert parse(values, kind) == expected


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["x", "3.0", "y"], "integer", [None, 3, None]),
        (["x", "y", "2.5"], "float", [None, None, 2.5]),
        ([1.5, 2.5], "integer", [None, None]),
        ([[1], [2]], "string", [None, None]),
    ],
)
def test_cells_are_read_each_by_itself(values, kind, expected):
    assert read_cells(pl.Series("x", values), Field("x", kind, nullable=True)).to_list() == expected


def test_the_first_text_among_numbers_is_named_with_its_row():
    with pytest.raises(InvalidInput) as caught:
        parse_column(pl.Series("x", ["1", "x", "y"]), Field("x", "integer", nullable=True), "t", first=100)
    assert caught.value.where == 'table "t", row 101, column "x"'
    assert "'x'" in caught.value.what


@given(st.lists(st.none() | st.integers(-(2**62), 2**62), min_size=1, max_size=6))
def test_integers_survive_as_integers_and_as_text(values):
    assert parse(values, "integer", pl.Int64()) == values
    assert parse(values, "string", pl.Int64()) == [None if value is None else str(value) for value in values]
