"""Moments written as numbers: seconds since 1970 and their parts, and days and months such as 20240131."""

from __future__ import annotations

import re

import polars as pl

from mlops_lab.contracts.moments import EPOCHS, parse_moments
from mlops_lab.starter.moments import is_readable

_NAMED_LIKE_TIME = re.compile(
    r"time|date|stamp|epoch|unix|when|_(at|on|dt)$|^dt$|(^|_)ts$|created|ordered|opened|closed|posted|published|received",
    re.IGNORECASE,
)
_NAMED_LIKE_DAY = re.compile(r"day|month|period|(^|_)ymd?$", re.IGNORECASE)
_NAMED_LIKE_AMOUNT = re.compile(
    r"value|price|cost|amount|revenue|sales|volume|income|profit|balance|total|size|bytes|count|(^|_)(id|no|number|code)$",
    re.IGNORECASE,
)
_EPOCH_UNITS = {
    "epoch_s": "seconds",
    "epoch_ms": "milliseconds",
    "epoch_us": "microseconds",
    "epoch_ns": "nanoseconds",
}
_SECONDS = (315_532_800, 4_102_444_800)
"""Those at which the years 1980 and 2100 begin."""
_YEARS = (1900, 2099)
_DIGITS = {"%Y%m%d": 4, "%Y%m": 2}
"""Formats of whole numbers, with the number of digits after the year."""
_MANY_DAYS = 10
"""So many different numbers that are all days are no coincidence: of all numbers of eight digits 1 in 27 is one."""


def is_named_like_time(name: str) -> bool:
    """Whether a column of that name may hold moments."""
    return bool(_NAMED_LIKE_TIME.search(name)) and not _NAMED_LIKE_AMOUNT.search(name)


def find_number_moments(
    column: pl.Series, preferred: str | None = None, *, is_time: bool = False
) -> tuple[pl.Series, str, str] | None:
    """The moments in a column of numbers, their format, and a note; None where they are no moments.

    Numbers are moments where all of them are plausible, and the column is named like a time, is said to be one
    (`is_time`), or has many different days. The `preferred` format is taken where nearly all numbers are written in it.
    """
    least, most = column.min(), column.max()
    if not column.dtype.is_numeric() or not isinstance(least, int | float) or not isinstance(most, int | float):
        return None
    is_named = is_time or is_named_like_time(column.name)
    if preferred is not None and preferred not in EPOCHS and is_named:
        moments = parse_moments(column, preferred)
        if moments is not None and is_readable(moments, column):
            return moments, preferred, f"written as {preferred}"
    for format, unit in _EPOCH_UNITS.items():
        scale = 1e6 / EPOCHS[format]
        if (is_named or format == preferred) and _SECONDS[0] * scale <= least and most < _SECONDS[1] * scale:
            moments = parse_moments(column, format)
            assert moments is not None  # numbers are moments in these formats
            return moments, format, f"{unit} since 1970 ({format})"
    for format, digits in _DIGITS.items():
        if not (_YEARS[0] * 10**digits <= least and most < (_YEARS[1] + 1) * 10**digits):
            continue
        moments = parse_moments(column, format)
        is_clear = is_named or _NAMED_LIKE_DAY.search(column.name) or (digits == 4 and column.n_unique() > _MANY_DAYS)
        if is_clear and moments is not None and moments.null_count() == column.null_count():
            return moments, format, f"written as {format}"
    return None
