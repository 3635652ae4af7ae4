"""Numbers, codes and missing values in columns of text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import polars as pl

MISSING_MARKS = ("", "NA", "N/A", "n/a", "na", "#N/A", "NaN", "nan", "NULL", "null", "None", "none", "?", "-", ".")
"""Text that means a missing value in a column of numbers or moments. In a column of text some can be values."""
MISSING_TEXTS = ("NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null")
"""Text that means a missing value in a column of text too: no word, and what other tools write for it."""
_MONEY = r"[$\x{20ac}\x{a3}\x{a5}\x{20b9}]"
"""The signs of dollar, euro, pound, yen and rupee."""
LEADING_ZERO = r"^[+-]?0\d"
"""A whole number that begins with a zero is a code: 007 is not 7."""
_GUESSED_FROM = 100
"""A column with other text among so many of its first values has no numbers."""


def parse_numbers(frame: pl.DataFrame, text: frozenset[str] | None, decimal: str | None = None) -> pl.DataFrame:
    """The frame with numbers where a text column has only numbers and marks of missing values (`MISSING_MARKS`).

    `text` names the columns that are declared as text; they are not changed. In other declared columns, marks of
    missing values become null even where the rest are not numbers. None: no column is declared. `decimal`: the
    character before the decimals of numbers; thousands may then be separated by the other one, an apostrophe or a
    space.
    """
    guesses = {name: NumberGuess(decimal) for name in text_columns(frame.schema, text)}
    for name, guess in guesses.items():
        guess.see(frame[name])
    return apply_guesses(frame, guesses, is_declared=text is not None)


def text_columns(schema: Mapping[str, pl.DataType], text: Collection[str] | None) -> list[str]:
    """The columns of text that are not declared as text."""
    return [name for name, dtype in schema.items() if dtype == pl.String and name not in (text or ())]


def apply_guesses(frame: pl.DataFrame, guesses: Mapping[str, NumberGuess], *, is_declared: bool) -> pl.DataFrame:
    """Rows of the table that the guesses are about, as `parse_numbers` gives them. `is_declared`: whether columns
    are."""
    changed = []
    for name, guess in guesses.items():
        if guess.dtype is not None or is_declared:
            column = _marks_to_null(guess.plain(frame[name]))
            changed.append(column if guess.dtype is None else column.cast(guess.dtype, strict=False))
    return frame.with_columns(changed) if changed else frame


class NumberGuess:
    """Whether a column of text, which is seen whole or part by part, has only numbers and marks of missing values."""

    def __init__(self, decimal: str | None) -> None:
        self._decimal = decimal
        self._head = pl.Series(dtype=pl.String)
        self._is_whole = self._is_number = True
        self._has_value = self._has_codes = self._has_long_codes = False

    def see(self, column: pl.Series) -> None:
        """Take the next part of the column into account."""
        column = self.plain(column)
        if (wanted := _GUESSED_FROM - len(self._head)) > 0:
            self._head = self._head.append(column.drop_nulls().head(wanted))
        if not self._may_be_numbers:
            return
        column = _marks_to_null(column).drop_nulls()
        self._has_value |= len(column) > 0
        self._has_codes |= bool(column.str.contains(LEADING_ZERO + r"\d*$").any())
        if self._has_codes:
            return
        self._is_whole = self._is_whole and not column.cast(pl.Int64, strict=False).null_count()
        self._is_number = self._is_number and not column.cast(pl.Float64, strict=False).null_count()
        # a float would not keep all their digits
        self._has_long_codes |= bool(column.str.contains(r"^[+-]?\d{16,}$").any())

    @property
    def dtype(self) -> pl.DataType | None:
        """Integers, else floats; None where it has other text, or codes."""
        if not self._has_value or not self._may_be_numbers or self._has_codes:
            return None
        if self._is_whole:
            return pl.Int64()
        return pl.Float64() if self._is_number and not self._has_long_codes else None

    def plain(self, column: pl.Series) -> pl.Series:
        """The text, with numbers as Polars reads them."""
        return column if self._decimal is None else _as_plain_numbers(column, self._decimal)

    @property
    def _may_be_numbers(self) -> bool:
        return not _marks_to_null(self._head).drop_nulls().cast(pl.Float64, strict=False).null_count()


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
