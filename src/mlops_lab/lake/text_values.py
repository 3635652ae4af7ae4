"""Numbers, codes and missing values in columns of text."""

from __future__ import annotations

import re

import polars as pl

MISSING_MARKS = ("", "NA", "N/A", "n/a", "na", "#N/A", "NaN", "nan", "NULL", "null", "None", "none", "?", "-", ".")
"""Text that means a missing value in a column of numbers or moments. In a column of text some can be values."""
MISSING_TEXTS = ("NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null")
"""Text that means a missing value in a column of text too: no word, and what other tools write for it."""
_MONEY = r"[$\x{20ac}\x{a3}\x{a5}\x{20b9}]"
"""The signs of dollar, euro, pound, yen and rupee."""
LEADING_ZERO = r"^[+-]?0\d"
"""A whole number that begins with a zero is a code: 007 is not 7."""


def parse_numbers(frame: pl.DataFrame, text: frozenset[str] | None, decimal: str | None = None) -> pl.DataFrame:
    """The frame with numbers where a text column has only numbers and marks of missing values (`MISSING_MARKS`).

    `text` names the columns that are declared as text; they are not changed. In other declared columns, marks of
    missing values become null even where the rest are not numbers. None: no column is declared. `decimal`: the
    character before the decimals of numbers; thousands may then be separated by the other one, an apostrophe or a
    space.
    """
    changed = []
    for column in frame.select(pl.col(pl.String)).iter_columns():
        if column.name in (text or ()):
            continue
        numbers, written = None, column
        if decimal is not None:
            column = _as_plain_numbers(column, decimal)
        if not _marks_to_null(column.drop_nulls().head(100)).drop_nulls().cast(pl.Float64, strict=False).null_count():
            numbers = _as_numbers(_marks_to_null(column))
        if numbers is not None:
            changed.append(numbers)
        elif text is not None:
            changed.append(_marks_to_null(column))
        elif decimal is not None:
            changed.append(written)
    return frame.with_columns(changed) if changed else frame


def _as_plain_numbers(column: pl.Series, decimal: str) -> pl.Series:
    """The text, with numbers such as 1.234,5 or 1.234,5 € written as 1234.5, and all else as it is."""
    group = "[,'’ \u00a0\u202f]" if decimal == "." else "[.'’ \u00a0\u202f]"
    mark = re.escape(decimal)
    number = rf"^[+-]?(\d{{1,3}}({group}\d{{3}})+|\d*)({mark}\d*)?([eE][+-]?\d+)?$"
    text = pl.col(column.name).str.strip_chars()
    bare = text.str.replace(rf"^([+-]?) ?{_MONEY} ?", "$1").str.replace(rf" ?({_MONEY}|%)$", "")
    plain = bare.str.replace_all(group, "").str.replace(decimal, ".", literal=True)
    is_number = bare.str.contains(number) & bare.str.contains(r"\d")
    return column.to_frame().select(pl.when(is_number).then(plain).otherwise(text).alias(column.name)).to_series()


def _marks_to_null(column: pl.Series) -> pl.Series:
    """The text without spaces around it, null where it is a mark of a missing value."""
    value = pl.col(column.name).str.strip_chars()
    return (
        column.to_frame().select(pl.when(value.is_in(MISSING_MARKS).not_()).then(value).alias(column.name)).to_series()
    )


def _as_numbers(column: pl.Series) -> pl.Series | None:
    """The column as integers, else as floats; None where it has other text, or codes."""
    if column.null_count() == len(column) or column.str.contains(LEADING_ZERO + r"\d*$").any():
        return None
    whole = column.cast(pl.Int64, strict=False)
    if whole.null_count() == column.null_count():
        return whole
    numbers = column.cast(pl.Float64, strict=False)
    has_long_codes = column.str.contains(r"^[+-]?\d{16,}$").any()  # a float would not keep all their digits
    return None if has_long_codes or numbers.null_count() != column.null_count() else numbers
