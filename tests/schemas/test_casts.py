"""Exact casts: every value stays the same, or the first that would not is named."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.schemas.casts import MOMENT, cast_exactly, cast_value, complete_columns, join_types, make_column

NOON = datetime(2013, 3, 1, 12, tzinfo=UTC)
VALUES = {
    pl.String(): st.text(max_size=5) | st.sampled_from(["007", "7", "1.5", "true", "-0", "1e5", "nan", "inf", ""]),
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.Float64(): st.floats(allow_nan=False),
    pl.Boolean(): st.booleans(),
    MOMENT: st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
}
COLUMNS = st.sampled_from(list(VALUES)).flatmap(
    lambda dtype: st.lists(st.none() | VALUES[dtype], max_size=4).map(lambda values: pl.Series(values, dtype=dtype))
)


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, None], pl.String(), ["1", None]),
        ([1.0, 0.1], pl.String(), ["1.0", "0.1"]),
        ([True, False], pl.String(), ["true", "false"]),
        ([NOON], pl.String(), ["2013-03-01T12:00:00.000000Z"]),
        ([1, 2], pl.Float64(), [1.0, 2.0]),
        ([1.0, -2.0], pl.Int64(), [1, -2]),
        ([True], pl.Int64(), [1]),
        ([0, 1], pl.Boolean(), [False, True]),
        (["7", "-3", "1.50"], pl.Float64(), [7.0, -3.0, 1.5]),
        (["7", None], pl.Int64(), [7, None]),
        (["true", "false"], pl.Boolean(), [True, False]),
        (["2013-03-01T12:00:00.000000Z"], MOMENT, [NOON]),
        ([None, None], pl.Boolean(), [None, None]),
    ],
)
def test_values_that_stay_the_same(values, dtype, expected):
    cast, lost = cast_exactly(pl.Series(values), dtype)
    assert (cast.to_list(), cast.dtype, lost) == (expected, dtype, None)


@pytest.mark.parametrize(
    ("values", "dtype", "row"),
    [
        (["7", "007"], pl.Int64(), 1),
        (["7", "x"], pl.Float64(), 1),
        (["inf"], pl.Float64(), 0),
        ([1, 2**53 + 1], pl.Float64(), 1),
        ([1.0, 1.5], pl.Int64(), 1),
        ([0, 2], pl.Boolean(), 1),
        (["yes"], pl.Boolean(), 0),
        ([NOON], pl.Int64(), 0),
        ([None, 5], MOMENT, 1),
        ([[0.1, 0.9]], pl.Float64(), 0),
        ([0.1], pl.List(pl.Float64()), 0),
    ],
)
def test_the_first_value_that_would_change_is_named(values, dtype, row):
    cast, lost = cast_exactly(pl.Series(values), dtype)
    assert (lost, cast[row]) == (row, None)
    with pytest.raises(ValueError, match="cannot be"):
        cast_value(values[row], dtype)


@given(COLUMNS, st.sampled_from(list(VALUES)))
def test_a_cast_without_loss_can_be_cast_back(column, dtype):
    cast, lost = cast_exactly(column, dtype)
    if lost is None and not (column.dtype == pl.String and dtype.is_numeric()):  # 1.50 is 1.5
        assert cast_exactly(cast, column.dtype)[0].equals(column, null_equal=True)


@given(COLUMNS, COLUMNS)
def test_a_joined_type_holds_both_columns(new, old):
    dtype = join_types(new, old)
    for column in (new, old):
        assert cast_exactly(column, dtype)[1] is None


@given(st.lists(st.none() | st.one_of(*VALUES.values()), max_size=5), st.sampled_from([None, *VALUES]))
def test_values_of_any_types_become_a_column_that_loses_none(values, preferred):
    column = make_column("a", values, preferred)
    for value, stored in zip(values, column, strict=True):
        assert (stored is None) == (value is None)
        if value is not None and isinstance(stored, type(value)) and not isinstance(value, str):
            assert stored == value


def test_a_column_keeps_the_preferred_type_where_it_can():
    assert make_column("a", [1, 2.5], pl.Float64()).to_list() == [1.0, 2.5]
    assert make_column("a", [1, "x"], pl.Int64()).to_list() == ["1", "x"]
    assert make_column("a", [None], pl.Int64()).dtype == pl.Int64
    assert make_column("a", [True, None], pl.Float64()).to_list() == [1.0, None]


def test_columns_are_completed_and_cast():
    rows = pl.DataFrame({"a": ["1", "x"], "c": [1, 2]})
    completed = complete_columns(rows, {"a": pl.Float64(), "b": pl.String()})
    assert completed.to_dict(as_series=False) == {"a": [1.0, None], "c": [1, 2], "b": [None, None]}
