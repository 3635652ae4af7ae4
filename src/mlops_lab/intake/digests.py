"""Digests of the log, written before its rows: what `predictions` and `outcomes` must hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.lake.damage import read_by_file
from mlops_lab.lake.retention import version_before
from mlops_lab.schemas.digest import DIGEST_SCHEMA, add_digests, digest_rows
from mlops_lab.tables.declared import LOG_DIGESTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.table import Table

DIGESTED = {table.name: table for table in (PREDICTIONS, OUTCOMES)}
_BEFORE = "before"
_MERGED = "rows when merged"
_MOST_UNMERGED = 5_000
"""So many rows more, and as many again as there were then, are merged."""


def write_digests(
    lake: Lake,
    added: Mapping[str, pl.DataFrame],
    *,
    writer: str,
    first: int,
    last: int,
    also: Sequence[tuple[str, int]] = (),
) -> None:
    """Write the digests of the rows that are about to be added to these tables, for a range of a writer's journal.
    `also`: further positions to store.

    Once for each `last`. A kill before the rows themselves are written does no harm: whoever checks the log leaves out
    the ranges that their tables have not reached, and the next intake writes digests of what comes after `last` only.
    """
    digests = {
        table: digest_rows(rows, id_column="id", time_column=DIGESTED[table].time) for table, rows in added.items()
    }
    _append(lake, digests, writer=writer, first=first, last=last, also=also)


def _append(
    lake: Lake,
    digests: Mapping[str, pl.DataFrame],
    *,
    writer: str,
    first: int,
    last: int,
    also: Sequence[tuple[str, int]],
) -> None:
    parts = [
        part.with_columns(pl.lit(table).alias("table"), writer=pl.lit(writer), first=first, last=last)
        for table, part in digests.items()
    ]
    rows = pl.concat(parts).select(pl.col(name).cast(dtype) for name, dtype in LOG_DIGESTS.fixed_schema.items())
    LOG_DIGESTS.append(lake, rows, position=(writer, max(last, 1)), also=also)


def subtract_digests(lake: Lake, table: Table, rows: pl.DataFrame) -> tuple[str, int]:
    """Write that these rows of a log table are about to be erased; the position that their deletion is to store.

    They count as erased once the table has that position. What an erasure wrote that was killed before is replaced. No
    intake may be at work.
    """
    writer = f"erased from {table.name}"
    number = table.position(lake, writer) + 1
    left_over = (pl.col("writer") == writer) & (pl.col("last") >= number)
    if LOG_DIGESTS.read(lake, columns=["writer", "last"]).select(left_over.any()).item():
        lake.rewrite(LOG_DIGESTS.name, lambda digests: digests.filter(~left_over))
    digests = digest_rows(rows, id_column="id", time_column=table.time)
    negative = digests.with_columns(-pl.col("values"), -pl.col("digest"))
    parts = negative.with_columns(
        pl.lit(table.name).alias("table"), writer=pl.lit(writer), first=number - 1, last=number
    )
    LOG_DIGESTS.append(lake, parts.select(pl.col(name).cast(dtype) for name, dtype in LOG_DIGESTS.fixed_schema.items()))
    return writer, number


def digest_existing(lake: Lake, *, also: Sequence[tuple[str, int]] = ()) -> None:
    """Write the digests of all rows that are there already, where none were ever written.

    Call it only when every table holds all of the journal that has been read (`also`: its positions): later ranges then
    begin after these rows.
    """
    tables = [table for table in DIGESTED.values() if table.exists(lake)]
    if not tables or LOG_DIGESTS.exists(lake):
        return
    digests = {table.name: _digest_files(lake, table) for table in tables}
    _append(lake, digests, writer=_BEFORE, first=0, last=0, also=also)


def _digest_files(lake: Lake, table: Table) -> pl.DataFrame:
    parts = [
        digest_rows(part, id_column="id", time_column=table.time)
        for part in read_by_file(lake, table.name, [])
        if {"id", table.time} <= {*part.columns}
    ]
    return add_digests(pl.concat([pl.DataFrame(schema=DIGEST_SCHEMA), *parts]))


def merge_digests(lake: Lake, *, settled_after: timedelta) -> bool:
    """Put the digests of one writer, hour, table and column together, so that their number does not grow with the
    number of intakes; False where there are few. No intake may be at work.

    Left as they are: ranges that `predictions` had not reached some time ago (`settled_after`). A copy of the project
    that was made meanwhile may not have reached them either, and whoever checks it leaves them out.
    """
    if not LOG_DIGESTS.exists(lake) or not PREDICTIONS.exists(lake):
        return False
    count = sum(file.rows for file in lake.files(LOG_DIGESTS.name).values())
    if count < _MOST_UNMERGED + 2 * LOG_DIGESTS.position(lake, _MERGED):
        return False
    version = version_before(lake.table_path(PREDICTIONS.name), settled_after)
    if version is None:
        return False

    def merge(digests: pl.DataFrame) -> pl.DataFrame:
        writers = digests["writer"].unique()
        reached = {writer: lake.position(PREDICTIONS.name, writer, version=version) for writer in writers}
        is_settled = pl.col("last") <= pl.col("writer").replace_strict(reached, return_dtype=pl.Int64)
        sums = pl.col("values").sum(), pl.col("digest").sum(), pl.col("first").min(), pl.col("last").max()
        merged = digests.filter(is_settled).group_by("writer", "hour", "table", "column").agg(*sums)
        rest = digests.filter(~is_settled)
        return pl.concat([merged.select(digests.columns), rest]).sort("hour", maintain_order=True)

    lake.rewrite(LOG_DIGESTS.name, merge, counted_by=_MERGED)
    return True
