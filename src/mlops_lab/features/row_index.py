"""Finds the rows of a table by a key, in little memory for each: there may be many millions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.features.exact import Integers

_KEYS_AT_ONCE = 65_536
_FEW_ROWS = 16
"""So many rows are read one by one: to gather them takes as long as to read about 20."""


class RowIndex:
    """The rows that may have a key: those with the same hash. Whoever asks compares the keys.

    Rows are numbered in the order of the keys that are given. It keeps 12 bytes of each (16 from 2^32 rows on), and no
    key. The hash is Python's, so an index holds for this process alone.
    """

    def __init__(self, keys: Iterable[Hashable], *, count: int) -> None:
        hashes = np.fromiter(map(hash, keys), dtype=np.int64, count=count)
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        self._rows = order.astype(np.uint32 if count < 2**32 else np.uint64)

    def rows_of(self, key: Hashable) -> Integers:
        """The numbers of the rows that may have this key, in their order."""
        wanted = hash(key)
        begin = int(np.searchsorted(self._hashes, wanted))
        if begin == len(self._hashes) or self._hashes[begin] != wanted:
            return np.empty(0, dtype=np.int64)
        end = int(np.searchsorted(self._hashes, wanted, side="right"))
        return self._rows[begin:end].astype(np.int64)

    def first_of_many(self, more_than: int) -> Integers:
        """One row for each hash that more rows than this have."""
        begins = np.flatnonzero(np.append(True, self._hashes[1:] != self._hashes[:-1])[: len(self._hashes)])
        lengths = np.diff(np.append(begins, len(self._hashes)))
        return self._rows[begins[lengths > more_than]].astype(np.int64)


def read_rows(frame: pl.DataFrame, rows: Integers) -> list[dict[str, Any]]:
    """Rows of a frame by their numbers, in this order."""
    if len(rows) <= _FEW_ROWS:
        return [frame.row(row, named=True) for row in rows.tolist()]
    return frame[rows].rows(named=True)


def in_slices(keys: pl.DataFrame) -> Iterator[Any]:
    """The key of each row: the value of the column, or a tuple of those of several.

    All of them at once would, as Python objects, take much memory that is never returned.
    """
    for part in keys.iter_slices(_KEYS_AT_ONCE):
        yield from part.iter_rows() if part.width > 1 else part.to_series().to_list()
