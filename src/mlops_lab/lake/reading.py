"""The stored rows of a Delta table: of the whole table, or of some of its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

_PART_BYTES = 8 * 2**20


class Bounds(NamedTuple):
    """Which rows are read: `since` = (column, moment) keeps those at or after the moment, `before` those before it."""

    since: tuple[str, datetime] | None = None
    before: tuple[str, datetime] | None = None


@dataclass(frozen=True)
class TableFile:
    """One file of a table: its size and the number of its rows, as the table's log tells them."""

    size_bytes: int
    rows: int


def table_files(table: DeltaTable) -> dict[str, TableFile]:
    """The files of the table, by their path below its folder, as its log describes them."""
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    columns = zip(actions["path"], actions["size_bytes"], actions["num_records"], strict=True)
    return {unquote(path): TableFile(size, rows) for path, size, rows in columns}


def read_table(table: DeltaTable, bounds: Bounds, columns: Sequence[str] | None) -> pl.DataFrame:
    """The rows of the table within the bounds; only files that may hold such rows are read."""
    kept = zip(bounds, (">=", "<"), strict=True)
    conditions = [f"{bound[0]} {sign} '{bound[1].isoformat()}'" for bound, sign in kept if bound]
    stored = None if columns is None else _known_columns(table, columns)
    return pl.DataFrame(table.scan(predicate=" AND ".join(conditions) or None, columns=stored))


def read_file(path: Path, wanted: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The wanted columns of one file; null where the file is from before a column was there."""
    stored = [column for column in pl.read_parquet_schema(path) if column in wanted]
    part = pl.read_parquet(path, columns=stored, glob=False)
    return pl.concat([pl.DataFrame(schema=wanted), part], how="diagonal_relaxed")


def in_parts(files: Sequence[str], sizes_bytes: Sequence[int]) -> Iterator[list[str]]:
    """The files in parts that are small enough to be read together."""
    part: list[str] = []
    total = 0
    for file, size in zip(files, sizes_bytes, strict=True):
        if part and total + size > _PART_BYTES:
            yield part
            part, total = [], 0
        part.append(file)
        total += size
    if part:
        yield part


def read_together(paths: Sequence[Path], wanted: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The wanted columns of several files; null where a file is from before a column was there."""
    if len(paths) > 1:
        try:
            together = pl.scan_parquet(
                list(paths), schema=wanted, missing_columns="insert", extra_columns="ignore", glob=False
            )
            return together.select(list(wanted)).collect()
        except pl.exceptions.PolarsError:  # a column has another type in one of them, or a file is damaged
            pass
    return pl.concat([read_file(path, wanted) for path in paths], how="diagonal_relaxed")


def read_files(
    paths: Sequence[Path], names: Sequence[str], bounds: Bounds, columns: Sequence[str] | None
) -> pl.DataFrame:
    """The rows within the bounds of files that make up a table with these columns."""
    rows = pl.concat([pl.read_parquet(path, glob=False) for path in paths], how="diagonal_relaxed")
    for bound, keeps in ((bounds.since, pl.Expr.ge), (bounds.before, pl.Expr.lt)):
        if bound:
            rows = rows.filter(keeps(pl.col(bound[0]), bound[1]))
    return rows.select(name for name in names if columns is None or name in columns)


def _known_columns(table: DeltaTable, columns: Sequence[str]) -> list[str]:
    """Those of the columns that the table has; its first one where it has none of them, for the number of rows."""
    stored = [field.name for field in table.schema().fields]
    return [column for column in columns if column in stored] or stored[:1]
