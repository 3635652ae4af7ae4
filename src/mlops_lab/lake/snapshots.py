"""A table at a version, with the fingerprint of its content."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from mlops_lab.lake.fingerprint import fingerprint_frame


@dataclass(frozen=True)
class Snapshot:
    """A table at a version, with the fingerprint of its content."""

    table: str
    version: int
    rows: int
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.table}@{self.version}"


def fingerprint_table(rows: pl.DataFrame) -> str:
    """The fingerprint of the rows in an order that depends only on their values."""
    first = rows.columns[:2]  # nearly always enough for the order
    return fingerprint_frame(rows.sort(rows.columns if rows.select(first).is_duplicated().any() else first))
