"""Damaged tables: which files cannot be read, and the rows of those that can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake.delta import Lake
from mlops_lab.lake.history import logged_columns, read_history


@dataclass(frozen=True)
class DamagedFile:
    """A file of a table that cannot be read, and why; without `file`, the table's own log."""

    table: str
    file: str | None
    reason: str


def check_files(lake: Lake, table: str) -> list[DamagedFile]:
    """The files of the table that are gone, or of another size than the table's log tells. None of them is read."""
    try:
        files = lake.files(table)
    except EnvironmentFault as error:
        return [DamagedFile(table, None, error.what)]
    damaged = []
    for name, file in files.items():
        path = lake.table_path(table) / name
        if not path.exists():
            damaged.append(DamagedFile(table, name, "it is gone"))
        elif path.stat().st_size != file.size_bytes:
            reason = f"it has {path.stat().st_size:,} bytes instead of {file.size_bytes:,}"
            damaged.append(DamagedFile(table, name, reason))
    return damaged


def read_readable(lake: Lake, table: str) -> tuple[pl.DataFrame, list[DamagedFile]]:
    """The rows of all files of the table that can be read, as they are stored, and the files that cannot."""
    try:
        return lake.read(table, as_stored=True), []
    except EnvironmentFault:
        damaged: list[DamagedFile] = []
        parts = list(read_by_file(lake, table, damaged))
    if any(file.file is None for file in damaged):
        return pl.DataFrame(), damaged
    schema = lake.schema(table)
    return pl.concat([pl.DataFrame(schema=schema), *parts], how="diagonal_relaxed").select(list(schema)), damaged


def read_by_file(
    lake: Lake, table: str, damaged: list[DamagedFile], *, version: int | None = None
) -> Iterator[pl.DataFrame]:
    """The rows of each file of the table that can be read, as they are stored, one after the other, as a table may be
    larger than the memory; those that cannot be read are added to `damaged`."""
    damaged += check_files(lake, table)
    unreadable = {file.file for file in damaged if file.table == table}
    if None in unreadable:
        return
    for name in sorted(lake.files(table, version=version).keys() - unreadable):
        try:
            yield from lake.read_files(table, [name], as_stored=True)
        except EnvironmentFault as error:
            damaged.append(DamagedFile(table, name, error.what))


def past_columns(lake: Lake, table: str) -> set[str]:
    """All columns that the table ever had, as far as its log goes back, and what is noted of commits before."""
    path = lake.table_path(table)
    return {*read_history(path).columns, *logged_columns(path)}
