"""Rows divided among files by their key: rows with the same key are in the same division, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

_DIVISION = "\0division"


def hash_keys(rows: pl.DataFrame, key: Sequence[str]) -> pl.Series:
    """A number of 64 bits for each row, the same for the same key, in this process."""
    return rows.select(key).hash_rows()


class KeyParts:
    """Rows in `divisions` folders below `folder`, which is empty at first."""

    def __init__(self, folder: Path, key: Sequence[str], *, divisions: int) -> None:
        self._folder, self._key, self._divisions = folder, key, divisions
        self._added = 0
        self._empty = pl.DataFrame()
        for number in range(divisions):
            (folder / str(number)).mkdir(parents=True)

    def add(self, rows: pl.DataFrame) -> None:
        """Divide the next rows; all have the same columns."""
        self._empty = rows.clear()
        division = (hash_keys(rows, self._key) % self._divisions).alias(_DIVISION)
        parts = rows.with_columns(division).partition_by(_DIVISION, as_dict=True, include_key=False)
        for (number,), part in parts.items():
            part.write_ipc(self._folder / str(number) / f"{self._added:09}", compression="lz4")
        self._added += 1

    def take(self, division: int) -> pl.DataFrame:
        """The rows of a division, whose files are deleted."""
        files = sorted((self._folder / str(division)).iterdir())
        rows = pl.concat([self._empty, *(pl.read_ipc(file.read_bytes()) for file in files)])
        for file in files:
            file.unlink()
        return rows
