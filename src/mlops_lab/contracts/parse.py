"""Converts columns of files to their declared types.

Other ways to write a value in a file are accepted: 0/1 or yes/no for a boolean, a date for a moment, a number for a
class. Requests to the server are checked more strictly, because JSON has types.
"""

from __future__ import annotations

import polars as pl

from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.moments import parse_moments
from mlops_lab.errors import InvalidInput

_TRUE, _FALSE = ["true", "yes", "1"], ["false", "no", "0"]


def parse_column(column: pl.Series, field: Field, table: str, *, first: int = 0) -> pl.Series:
    """The column with its declared dtype, null where a value does not fit it.

    InvalidInput where the whole column does not fit, with the first wrong row where there is one (`first` is the number
    of the first row).
    """
    if column.dtype == field.dtype:
        return column
    if column.null_count() == len(column):  # of any type: an empty column of a CSV file is text
        return column.cast(field.dtype, strict=False)
    parsed = parse_moments(column, field.format) if field.kind == "datetime" else _PARSERS[field.kind](column)
    if parsed is None:
        raise _type_error(column, field, table, first)
    return parsed


def read_cells(column: pl.Series, field: Field) -> pl.Series:
    """The column with its declared dtype, each cell read by itself: null where it does not fit, even if all do not."""
    try:
        return parse_column(column, field, "")
    except InvalidInput:
        if column.dtype == pl.String and field.dtype.is_numeric():
            return _read_numbers(column, field.dtype)
        return pl.Series(column.name, [None] * len(column), dtype=field.dtype)


def _parse_string(column: pl.Series) -> pl.Series | None:
    """Integers can be ids and classes. 7.0 is 7, because integers with nulls are often stored as floats."""
    if column.dtype.is_float():
        whole = column.drop_nulls()
        if not (whole.is_finite() & (whole == whole.floor()) & (whole.abs() < 2**53)).all():
            return None
        column = column.cast(pl.Int64)
    return column.cast(pl.String) if column.dtype.is_integer() else None


def _parse_integer(column: pl.Series) -> pl.Series | None:
    """Integers. 7.0 is 7, because integers with nulls are often stored as floats; None where no number is whole."""
    if column.dtype.is_float():
        whole = _whole(column)
        return whole if whole.count() else None
    return _parse_number(column, pl.Int64()) if column.dtype.is_integer() or column.dtype == pl.String else None


def _whole(floats: pl.Series) -> pl.Series:
    """The whole numbers as integers, null where a number is not whole or too large to be exact."""
    is_whole = (floats == floats.floor()) & (floats.abs() < 2**53)
    return pl.select(pl.when(is_whole).then(floats)).to_series().alias(floats.name).cast(pl.Int64)


def _parse_float(column: pl.Series) -> pl.Series | None:
    return _parse_number(column, pl.Float64()) if column.dtype.is_numeric() or column.dtype == pl.String else None


def _parse_number(column: pl.Series, dtype: pl.DataType) -> pl.Series | None:
    """The numbers; None where they were written as text.

    A column of text is accepted where more than half of its values, but not all, are numbers: other text in it has then
    made all of it text. If all were numbers, they were meant as text.
    """
    if column.dtype != pl.String:
        return column.cast(dtype, strict=False)
    numbers = _read_numbers(column, dtype)
    return numbers if column.count() / 2 < numbers.count() < column.count() else None


def _read_numbers(text: pl.Series, dtype: pl.DataType) -> pl.Series:
    """The numbers in text, null where it is something else. For an integer, 7.0 is 7."""
    text = text.str.strip_chars()
    numbers = text.cast(dtype, strict=False)
    if dtype.is_integer() and numbers.null_count() > text.null_count():
        return numbers.zip_with(numbers.is_not_null(), _whole(text.cast(pl.Float64, strict=False)))
    return numbers


def _parse_boolean(column: pl.Series) -> pl.Series | None:
    if column.dtype.is_numeric():
        true, false = column == 1, column == 0
    elif column.dtype == pl.String:
        text = column.str.strip_chars().str.to_lowercase()
        true, false = text.is_in(_TRUE), text.is_in(_FALSE)
        if not (true | false).any():
            return None
    else:
        return None
    flags = pl.when(true).then(pl.lit(value=True)).when(false).then(pl.lit(value=False))
    return pl.select(flags.alias(column.name)).to_series()


_PARSERS = {"string": _parse_string, "integer": _parse_integer, "float": _parse_float, "boolean": _parse_boolean}


def _type_error(column: pl.Series, field: Field, table: str, first: int) -> InvalidInput:
    what, row_name = f"has the type {column.dtype}, expected {field.kind}", ""
    if column.dtype == pl.String and field.kind in {"integer", "float"}:
        is_other = column.is_not_null() & column.cast(pl.Float64, strict=False).is_null()
        if is_other.any():
            row = int(is_other.arg_max() or 0)
            what, row_name = f"has {column[row]!r}, expected {field.kind}", f" row {first + row},"
    return InvalidInput(
        what,
        code="wrong_type",
        where=f'table "{table}",{row_name} column "{field.name}"',
        hint="fix the data, or the type in mlops.toml",
    )
