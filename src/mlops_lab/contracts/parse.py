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
    reader = ColumnReader(field, table)
    parsed = reader.read(column, first=first)
    reader.check()
    return parsed


class ColumnReader:
    """Reads a column with its declared dtype, whole or part by part.

    Whether the column fits is known once all parts were seen. The values of parts that were read twice are the same.
    """

    def __init__(self, field: Field, table: str) -> None:
        self._field, self._table = field, table
        self._values = self._read = 0
        self._dtype = pl.DataType()
        self._misfit: InvalidInput | None = None
        self._wrong: tuple[int, str] | None = None
        self._anchor = pl.Series(dtype=pl.String)
        self._is_anchored = False

    def read(self, column: pl.Series, *, first: int = 0) -> pl.Series:
        """The next part, of which the first row has this number: null where a value does not fit."""
        field = self._field
        if column.dtype == field.dtype:
            return column
        if column.null_count() == len(column):  # of any type: an empty column of a CSV file is text
            return column.cast(field.dtype, strict=False)
        parsed = self._read_moments(column) if field.kind == "datetime" else _PARSERS[field.kind](column)
        if parsed is None:
            self._misfit = self._misfit or _type_error(column.dtype, field, self._table)
            return pl.Series(column.name, [None], dtype=field.dtype).new_from_index(0, len(column))
        self._dtype, self._values, self._read = column.dtype, self._values + column.count(), self._read + parsed.count()
        if column.dtype == pl.String and field.dtype.is_numeric() and self._wrong is None:
            is_other = column.is_not_null() & column.cast(pl.Float64, strict=False).is_null()
            if is_other.any():
                row = int(is_other.arg_max() or 0)
                self._wrong = first + row, column[row]
        return parsed

    def check(self) -> None:
        """InvalidInput where the parts do not fit: some of their values, or too few of them are of the kind."""
        if self._misfit is not None:
            raise self._misfit
        kind, is_text = self._field.kind, self._dtype == pl.String
        if not self._values or kind in {"string", "datetime"}:
            return
        if is_text and self._field.dtype.is_numeric():
            # other text in a column has made all of it text; if all were numbers, they were meant as text
            fits = self._values / 2 < self._read < self._values
        else:
            is_guessed = (kind == "boolean" and is_text) or (kind == "integer" and self._dtype.is_float())
            fits = self._read > 0 or not is_guessed
        if not fits:
            raise _type_error(self._dtype, self._field, self._table, wrong=self._wrong)

    def _read_moments(self, column: pl.Series) -> pl.Series | None:
        """The moments of a part. Where no format is declared, the first moment of the column decides how all are
        written: it is read before each part, with what comes before it."""
        if column.dtype != pl.String or self._field.format is not None:
            return parse_moments(column, self._field.format)
        known = len(self._anchor)
        parsed = parse_moments(pl.concat([self._anchor.alias(column.name), column]))
        if parsed is None or self._is_anchored:
            return None if parsed is None else parsed[known:]
        found = parsed[known:].is_not_null()
        self._is_anchored = bool(found.any())
        until = int(found.arg_max() or 0) + 1 if self._is_anchored else len(column)
        self._anchor = self._anchor.append(column[:until].drop_nulls()).unique(maintain_order=True)
        return parsed[known:]


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
    """Integers. 7.0 is 7, because integers with nulls are often stored as floats."""
    if column.dtype.is_float():
        return _whole(column)
    return _parse_number(column, pl.Int64()) if column.dtype.is_integer() or column.dtype == pl.String else None


def _whole(floats: pl.Series) -> pl.Series:
    """The whole numbers as integers, null where a number is not whole or too large to be exact."""
    is_whole = (floats == floats.floor()) & (floats.abs() < 2**53)
    return pl.select(pl.when(is_whole).then(floats)).to_series().alias(floats.name).cast(pl.Int64)


def _parse_float(column: pl.Series) -> pl.Series | None:
    return _parse_number(column, pl.Float64()) if column.dtype.is_numeric() or column.dtype == pl.String else None


def _parse_number(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    return _read_numbers(column, dtype) if column.dtype == pl.String else column.cast(dtype, strict=False)


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
    else:
        return None
    flags = pl.when(true).then(pl.lit(value=True)).when(false).then(pl.lit(value=False))
    return pl.select(flags.alias(column.name)).to_series()


_PARSERS = {"string": _parse_string, "integer": _parse_integer, "float": _parse_float, "boolean": _parse_boolean}


def _type_error(dtype: pl.DataType, field: Field, table: str, *, wrong: tuple[int, str] | None = None) -> InvalidInput:
    """The error about a column of a type; `wrong`: the first row with a value that is none, and the value."""
    what = f"has the type {dtype}, expected {field.kind}"
    if wrong is not None:
        what = f"has {wrong[1]!r}, expected {field.kind}"
    return InvalidInput(
        what,
        code="wrong_type",
        where=f'table "{table}",{"" if wrong is None else f" row {wrong[0]},"} column "{field.name}"',
        hint="fix the data, or the type in mlops.toml",
    )
