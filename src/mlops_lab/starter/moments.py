"""Moments written as text: which values are moments, and in which format they are written."""

from __future__ import annotations

import re
from itertools import product

import polars as pl

from mlops_lab.contracts.moments import parse_moments
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
    "%a, %d %b %Y",
    "%Y%m%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%b-%y",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S%.f", " %H:%M:%S %z")
_OTHERS = ("%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Y", "%d/%b/%Y:%H:%M:%S %z")
"""Of Twitter, of C's ctime, of logs of web servers."""
_MONTHS = (
    *("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%m.%Y", "%YM%m", "%Y-M%m", "%Ym%m"),
    *("%b %Y", "%b-%Y", "%b/%Y", "%b, %Y", "%Y %b", "%Y-%b"),
)
_SHORT_MONTHS = ("%b-%y", "%b %y", "%b/%y", "%b'%y", "%b '%y")
"""The number may also be a day: Jan-24."""
_QUARTERS = (
    *("%YQ%q", "%Y-Q%q", "%Y Q%q", "%Y/Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "%qQ%Y"),
    *("%qQ%y", "Q%q %y", "Q%q-%y", "Q%q/%y", "Q%q'%y"),
)
_WEEKS = ("%G-W%V", "%GW%V", "%G W%V", "%G-W%V-%u", "%GW%V%u")
_FORMATS = (
    *(day + clock for day, clock in product(_DAYS, _CLOCKS)),
    *(*_OTHERS, *_MONTHS, *_SHORT_MONTHS, *_QUARTERS, *_WEEKS),
)
_DIGITS = {
    **dict.fromkeys(("%Y", "%G"), r"\d{4}"),
    **dict.fromkeys(("%y", "%M", "%S"), r"\d{2}"),
    **dict.fromkeys(("%d", "%m", "%H", "%I", "%V"), r"\d{1,2}"),
    **dict.fromkeys(("%b", "%a"), r"[^\W\d_]{3,}\.?"),
    "%p": "[AaPp][Mm]",
    "%z": r"[+-]\d{2}:?\d{2}",
    "%.f": r"(\.\d+)?",
    "%q": "[1-4]",
    "%u": "[1-7]",
}
_ISO = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]|$)"
_FIRST_VALUES = 20
_LAST_DAY, _MANY_DAYS = 31, 28


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
        if moments is not None and is_readable(moments, column):
            return moments, preferred, f"written as {preferred}"
    if head.str.contains(_ISO).all():
        moments = parse_moments(column)
        return (moments, None, "") if moments is not None and is_readable(moments, column) else None
    first = head.head(_FIRST_VALUES).to_list()
    parsed = [(format, parse_moments(column, format)) for format in _FORMATS if _fits(head, first, format)]
    readable = [(format, moments) for format, moments in parsed if moments is not None and is_readable(moments, column)]
    if not readable:
        return None
    in_order = [(format, moments) for format, moments in readable if moments.drop_nulls().is_sorted()]
    format, moments = (in_order or readable)[0]
    is_sure = len(readable) == 1 or len(in_order) == 1
    if format in _SHORT_MONTHS:
        days = moments.drop_nulls().dt.year() % 100
        if days.max() <= _LAST_DAY and days.n_unique() >= _MANY_DAYS:  # type: ignore[operator]
            return None  # Jan-1 to Jan-31 are days without a year
        is_sure = is_sure and bool((days > _LAST_DAY).any())
    guess = "" if is_sure else ": a guess; --format FORMAT (or format in mlops.toml) if it is wrong"
    return moments, format, f"written as {format}{guess}"


def _fits(head: pl.Series, first: list[str], format: str) -> bool:
    """Whether text is written in a format; the first values tell it of most formats at once.

    Polars also reads years of one and two digits with %Y.
    """
    pattern = "^" + "".join(_DIGITS.get(part, re.escape(part)) for part in re.split(r"(%\.?\w)", format))
    pattern += r"( ?(UTC|GMT))?$"
    if not any(re.match(pattern, value, re.IGNORECASE) for value in first):
        return False
    if head.str.contains(f"(?i){pattern}").mean() < _MIN_READABLE:  # type: ignore[operator]
        return False
    moments = parse_moments(head, format)
    if moments is None or moments.null_count() > (1 - _MIN_READABLE) * len(head):
        return False
    year = moments.drop_nulls().dt.year()
    return bool(year.is_between(1678, 2261).all())


def is_readable(moments: pl.Series, column: pl.Series) -> bool:
    """Whether nearly all values of the column are moments."""
    given = len(column) - column.null_count()
    return given > 0 and (len(moments) - moments.null_count()) >= _MIN_READABLE * given
