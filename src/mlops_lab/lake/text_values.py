"""Numbers, codes and missing values in columns of text."""

from __future__ import annotations

import polars as pl

MISSING_MARKS = ("", "NA", "N/A", "n/a", "na", "#N/A", "NaN", "nan", "NULL", "null", "None", "none", "?", "-", ".")
"""Text that means a missing value in a column of numbers or moments. In a column of text it can be a value."""
LEADING_ZERO = r"^[+-]?0\d"
"""A whole number that begins with a zero is a code: 007 is not 7."""


def parse_numbers(frame: pl.DataFrame, text: frozenset[str] | None) -> pl.DataFrame:
    """The frame with numbers where a text column has only numbers and marks of missing values (`MISSING_MARKS`).

    `text` names the columns that are declared as text; they are not changed. In other declared columns, marks of
    missing values become null even where the rest are not numbers. None: no column is declared.
    """
    changed = []
    for column in frame.select(pl.col(pl.String)).iter_columns():
        if column.name in (text or ()):
            continue
        numbers = None
        if not _marks_to_null(column.drop_nulls().head(100)).drop_nulls().cast(pl.Float64, strict=False).null_count():
            numbers = _as_numbers(_marks_to_null(column))
        if numbers is not None:
            changed.append(numbers)
        elif text is not None:
            changed.append(_marks_to_null(column))
    return frame.with_columns(changed) if changed else frame


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
