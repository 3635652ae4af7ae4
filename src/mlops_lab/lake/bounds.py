"""Between which values the rows of each file of a table lie: which files need not be read.

Delta keeps the least and the greatest value of a column, in whole milliseconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import unquote

import polars as pl

_CUT_OFF = timedelta(milliseconds=1)


class FileBounds(NamedTuple):
    """A file of a table, and what is known about a column: no value is before `least` or after `greatest`; None: that
    is not known, or all values are null. `may_have_nulls`: whether some may be."""

    path: str
    least: datetime | None
    greatest: datetime | None
    may_have_nulls: bool

    def may_reach(self, since: datetime) -> bool:
        """Whether the file may have a value at or after a moment."""
        return self.greatest is None or self.greatest >= since

    def may_begin(self, before: datetime) -> bool:
        """Whether the file may have a value before a moment."""
        return self.least is None or self.least < before


def bounds_of(actions: pl.DataFrame, column: str) -> list[FileBounds]:
    """The bounds of a column in the files that a table's log names."""
    least, greatest, nulls = (
        pl.col(name) if name in actions.columns else pl.lit(None).alias(name)
        for name in (f"min.{column}", f"max.{column}", f"null_count.{column}")
    )
    rows = actions.select("path", least, greatest, nulls).iter_rows()
    return [
        FileBounds(
            unquote(path), low if _is_moment(low) else None, high + _CUT_OFF if _is_moment(high) else None, count != 0
        )
        for path, low, high, count in rows
    ]


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime)
