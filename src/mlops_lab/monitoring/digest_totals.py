"""The digests of a log over all hours: how many rows it must have, and which columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import msgspec
import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.lake.file_summaries import summarise_files
from mlops_lab.tables.declared import LOG_DIGESTS
from mlops_lab.tables.table import Table

_COLUMNS = ["table", "writer", "last", "column", "values"]


class DigestTotals(NamedTuple):
    """How many rows a table got, and in which columns it got values."""

    rows: int
    columns: set[str]


class _FileTotals(msgspec.Struct, frozen=True):
    """What one file of digests says about a table and a writer; `last`: the end of the last range in it."""

    table: str
    writer: str
    last: int
    rows: int
    columns: list[str]


def digest_totals(lake: Lake, table: Table, *, reached: Callable[[str], int]) -> DigestTotals:
    """The totals of a table, over the ranges of each writer up to the position that `reached` gives for it."""
    position, rows, columns = cache(reached), 0, set[str]()
    by_file = summarise_files(
        lake, LOG_DIGESTS.name, "totals", columns=_COLUMNS, summarise=_summarise, type=list[_FileTotals]
    )
    for file, parts in by_file.items():
        own = [part for part in parts if part.table == table.name]
        if any(part.last > position(part.writer) for part in own):
            (digests,) = lake.read_files(LOG_DIGESTS.name, [file], columns=_COLUMNS)
            ends = {writer: position(writer) for writer in digests["writer"].unique()}
            end = pl.col("writer").replace_strict(ends, return_dtype=pl.Int64)
            own = _summarise(digests.filter(pl.col("table") == table.name, pl.col("last") <= end))
        rows += sum(part.rows for part in own)
        columns.update(*(part.columns for part in own))
    return DigestTotals(rows, columns)


def _summarise(digests: pl.DataFrame) -> list[_FileTotals]:
    """The totals of some digests, by table and writer."""
    totals = digests.group_by("table", "writer").agg(
        pl.col("last").max(),
        pl.col("values").filter(pl.col("column") == "id").sum().alias("rows"),
        pl.col("column").unique().alias("columns"),
    )
    return [_FileTotals(**row) for row in totals.iter_rows(named=True)]
