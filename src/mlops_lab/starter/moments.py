"""Moments written as text: which values are moments, and in which format they are written."""

from __future__ import annotations

import re
from itertools import product

import polars as pl

from mlops_lab.contracts.parse import EPOCHS, parse_moments
from mlops_lab.lake.text_values import MISSING_MARKS

_SAMPLE = 2000
_MIN_READABLE = 0.99
_DAYS = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%Y%m%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y")
_NAMED_LIKE_TIME = re.compile(r"time|date|stamp|epoch|when|_at$|(^|_)ts$|created|ordered", re.IGNORECASE)
_EPOCH_UNITS = {"epoch_s": "seconds", "epoch_ms": "milliseconds", "epoch_us": "microseconds"}
_YEARS = (946_684_800, 4_102_444_800)
"""The seconds at which the years 2000 and 2100 begin."""
_ISO = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]|$)"


def find_epochs(column: pl.Series) -> tuple[pl.Series, str, str] | None:
    """The moments in a column of whole numbers that is named like a time, their format, and a note; else None."""
    least, most = column.min(), column.max()
    if not _NAMED_LIKE_TIME.search(column.name) or not isinstance(least, int) or not isinstance(most, int):
        return None
    for format, unit in _EPOCH_UNITS.items():
        scale = round(EPOCHS["epoch_s"] / EPOCHS[format])
        if _YEARS[0] * scale <= least and most < _YEARS[1] * scale:
            moments = parse_moments(column, format)
            assert moments is not None  # whole numbers are moments in these formats
            return moments, format, f"{unit} since 1970 ({format})"
    return None


def find_moments(column: pl.Series, preferred: str | None = None) -> tuple[pl.Series, str | None, str] | None:
    """The moments in a column of text, their format (None: ISO 8601), and a note; None where they are no moments.

    The `preferred` format is taken wherever nearly all values are written in it.
    """
    column = column.to_frame().select(pl.when(~pl.all().is_in(MISSING_MARKS)).then(pl.all()).name.keep()).to_series()
    head = column.drop_nulls().head(_SAMPLE)
    if head.is_empty() or not head.str.contains(r"\d").all():
        return None
    if preferred is not None:
        moments = parse_moments(column, preferred)
        if moments is not None and _is_readable(moments, column):
            return moments, preferred, f"written as {preferred}"
    if head.str.contains(_ISO).all():
        moments = parse_moments(column)
        return (moments, None, "") if moments is not None and _is_readable(moments, column) else None
    formats = [*(day + clock for day, clock in product(_DAYS, _CLOCKS)), *_MONTHS]
    parsed = [(format, parse_moments(column, format)) for format in formats if _fits(head, format)]
    readable = [
        (format, moments) for format, moments in parsed if moments is not None and _is_readable(moments, column)
    ]
    if not readable:
        return None
    in_order = [(format, moments) for format, moments in readable if moments.drop_nulls().is_sorted()]
    format, moments = (in_order or readable)[0]
    is_sure = len(readable) == 1 or len(in_order) == 1
    guess = "" if is_sure else ": a guess; --format FORMAT (or format in mlops.toml) if it is wrong"
    return moments, format, f"written as {format}{guess}"


def _fits(head: pl.Series, format: str) -> bool:
    """Whether text is written in a format. Polars also reads years of one and two digits with %Y."""
    if not head.str.contains(r"\d{4}" if "%Y" in format else r"^\d{1,2}[./]\d{1,2}[./]\d{2}( |$)").all():
        return False
    moments = parse_moments(head, format)
    if moments is None or moments.null_count() > (1 - _MIN_READABLE) * len(head):
        return False
    year = moments.drop_nulls().dt.year()
    return bool(year.is_between(1678, 2261).all())


def _is_readable(moments: pl.Series, column: pl.Series) -> bool:
    """Whether nearly all values of the column are moments."""
    given = len(column) - column.null_count()
    return given > 0 and (len(moments) - moments.null_count()) >= _MIN_READABLE * given
