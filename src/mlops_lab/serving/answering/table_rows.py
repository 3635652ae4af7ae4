"""The rows of one table that a worker knows, to recognize one that is sent again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from mlops_lab.clock import to_micros
from mlops_lab.features.row_index import RowIndex, read_rows

_ROWS_AT_ONCE = 65_536
"""All rows at once would, as Python objects, take much memory that is never returned."""


class TableRows:
    """Rows by what identifies one of them: its key and its moment. Those that were loaded stay columns."""

    def __init__(self, identity: Sequence[str]) -> None:
        self._identity = identity
        self._added: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._loaded = pl.DataFrame()
        self._index = RowIndex((), count=0)

    def load(self, rows: pl.DataFrame) -> None:
        """Take the rows of a table that has none yet; of several with one identity the last one counts."""
        self._loaded = rows
        self._index = RowIndex(_identities(rows.select(self._identity)), count=len(rows))

    def put(self, row: dict[str, Any]) -> None:
        """Add a row; it takes the place of one with the same identity."""
        self._added[self._identity_of(row)] = row

    def get(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """The row with the identity of this one; None where there is none."""
        identity = self._identity_of(row)
        if identity in self._added:
            return self._added[identity]
        found = read_rows(self._loaded, self._index.rows_of(identity))
        return next((known for known in reversed(found) if self._identity_of(known) == identity), None)

    def _identity_of(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(map(_comparable, (row[name] for name in self._identity)))


def _comparable(value: Any) -> Any:
    """A moment as microseconds: that is what a column of moments holds."""
    return to_micros(value) if isinstance(value, datetime) else value


def _identities(rows: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    moments = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Datetime)]
    for part in rows.iter_slices(_ROWS_AT_ONCE):
        yield from part.with_columns(pl.col(moments).dt.epoch("us")).iter_rows()
