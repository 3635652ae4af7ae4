"""Reads moments as files write them: text in a format, dates, and numbers since 1970."""

from __future__ import annotations

import re

import polars as pl

_MOMENT = pl.Datetime("us", "UTC")
EPOCHS = {"epoch_s": 1e6, "epoch_ms": 1e3, "epoch_us": 1.0, "epoch_ns": 1e-3}
"""Formats of moments that are numbers, since 1970, with their microseconds."""
_MONTH, _DAY, _WEEK, _WEEKDAY, _QUARTER = r"%[mbBh]", r"%[dej]", r"%V", r"%[uaA]", "%q"
_NEXT_CENTURY = 70
"""Years of two digits from here on are those of 19xx, as chrono and C have it."""


def parse_moments(column: pl.Series, format: str | None = None) -> pl.Series | None:
    """The column as moments in UTC; None where it has no moments. A date is its midnight; a week, month, quarter or
    year is its first day; without a zone it is UTC.

    `format`: as `strptime` has it, with `%q` for the quarter, also for numbers such as 20240131; or one of `EPOCHS`.
    """
    if format in EPOCHS:
        return _since_1970(column, EPOCHS[format]) if column.dtype.is_numeric() else None
    if format is not None and column.dtype.is_numeric():
        column = _write_numbers(column)
    if column.dtype == pl.String:
        text = column.str.strip_chars().str.replace(r" ?(UTC|GMT)$", "")
        if format is not None and re.search(_QUARTER, format):
            return _parse_quarters(text, format)
        text, format = _first_day(text, format and format.replace("%b", "%B"))  # %B reads short names too
        return text.str.to_datetime(format, time_unit="us", time_zone="UTC", strict=False)
    if isinstance(column.dtype, pl.Date):
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if isinstance(column.dtype, pl.Datetime):
        zoned = column if column.dtype.time_zone is not None else column.dt.replace_time_zone("UTC")
        return zoned.cast(_MOMENT, strict=False)
    return None


def _since_1970(numbers: pl.Series, microseconds: float) -> pl.Series:
    """Whole numbers are converted as such: a float does not keep all digits of nanoseconds. Of other numbers the whole
    part and the rest are converted each by itself: together they would lose the last digit after some decades."""
    if numbers.dtype.is_integer() and microseconds < 1:
        whole = numbers // round(1 / microseconds)
    else:
        floats = numbers.cast(pl.Float64)
        units = floats.floor()
        whole = units * microseconds + ((floats - units) * microseconds).round()
    return whole.cast(pl.Int64, strict=False).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _write_numbers(numbers: pl.Series) -> pl.Series:
    """The digits of whole numbers; null where a number is not whole."""
    if numbers.dtype.is_float():
        numbers = pl.select(pl.when(numbers == numbers.floor()).then(numbers).alias(numbers.name)).to_series()
    return numbers.cast(pl.Int64, strict=False).cast(pl.String)


def _first_day(text: pl.Series, format: str | None) -> tuple[pl.Series, str | None]:
    """The text and its format with what Polars does not do without: the day of a month, or of a week."""
    if format is None or not re.search("%[YyGg]", format) or re.search(_DAY, format):
        return text, format
    if re.search(_WEEK, format):
        return (text, format) if re.search(_WEEKDAY, format) else (text + " 1", f"{format} %u")
    if re.search(_MONTH, format):
        return text + " 1", f"{format} %d"
    return text + " 1 1", f"{format} %m %d"


def _parse_quarters(text: pl.Series, format: str) -> pl.Series:
    """The first days of quarters. Polars has no directive for them: only years and quarters are read with this one."""
    digits = {"%Y": r"(?P<year>\d{4})", "%y": r"(?P<year>\d{2})", "%q": r"(?P<quarter>[1-4])"}
    pattern = "".join(digits.get(part, re.escape(part)) for part in re.split("(%[Yyq])", format))
    if "(?P<year>" not in pattern:
        return pl.Series(text.name, [None] * len(text), dtype=_MOMENT)
    found = text.str.extract_groups(f"(?i)^{pattern}$")
    year, quarter = (found.struct.field(name).cast(pl.Int32) for name in ("year", "quarter"))
    if "%y" in format:
        year = year + pl.select(pl.when(year < _NEXT_CENTURY).then(2000).otherwise(1900)).to_series()
    return pl.select(pl.datetime(year, quarter * 3 - 2, 1, time_zone="UTC").alias(text.name)).to_series()
