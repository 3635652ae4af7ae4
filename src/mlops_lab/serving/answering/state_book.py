"""The predictions of a state, and where the records of each lie: read as columns, instead of record by record."""

from __future__ import annotations

from pathlib import Path

import polars as pl

INDEX_FILE = "index.parquet"
SCHEMA = {"id": pl.String(), "at": pl.Int64(), "record": pl.Int64(), "outcome": pl.Int64(), "unscored": pl.Int64()}
"""The time of a prediction in microseconds since 1970; the locations (see `record_locator`) of its record and, if there
is one, of its outcome; the version in shadow, if that has not scored it yet."""


def read_book(folder: Path) -> pl.DataFrame | None:
    """The predictions of a state (the columns of `SCHEMA`); None where they must be read record by record, as from the
    states of older releases."""
    try:
        book = pl.read_parquet(folder / INDEX_FILE, glob=False)
    except (OSError, pl.exceptions.PolarsError):
        return None
    return book if dict(book.schema) == SCHEMA else None
