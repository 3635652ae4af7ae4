"""The facts about a table at the version that a model was trained on: its columns, and its files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

import polars as pl

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake
from mlops_lab.lake.faults import as_lake_faults
from mlops_lab.lake.history import pinned_version
from mlops_lab.lineage.records import SnapshotRecord
from mlops_lab.project import Project


@dataclass(frozen=True)
class ColumnFacts:
    """A column: its type, how many values are missing and how many differ, and the smallest and largest value as text
    (None: no value, or no number and no moment)."""

    name: str
    dtype: pl.DataType
    nulls: int
    distinct: int
    smallest: str | None
    largest: str | None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The smallest and the largest number; None where it has none, or they are not finite."""
        if not self.dtype.is_numeric() or self.smallest is None or self.largest is None:
            return None
        bounds = float(self.smallest), float(self.largest)
        return bounds if all(map(math.isfinite, bounds)) else None


@dataclass(frozen=True)
class FileFacts:
    """A Parquet file: its path in the project's folder, its columns, its size and its SHA-256. It lacks columns that
    were added to the table after it was written."""

    path: str
    columns: tuple[str, ...]
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class TableFacts:
    """A table at a version: its columns, and the files that hold its rows."""

    snapshot: SnapshotRecord
    columns: Sequence[ColumnFacts]
    files: Sequence[FileFacts]

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.snapshot.table

    @property
    def size_bytes(self) -> int:
        """The size of its files."""
        return sum(file.size_bytes for file in self.files)

    def column(self, name: str) -> ColumnFacts | None:
        """The column of that name; None where it has none."""
        return next((column for column in self.columns if column.name == name), None)


def read_table_facts(project: Project, lake: Lake, snapshot: SnapshotRecord) -> TableFacts:
    """The facts about a table at a version. EnvironmentFault where its rows are not what was trained on any more."""
    rows = lake.read(snapshot.table, version=snapshot.version, as_stored=True)
    if rows.height != snapshot.rows:
        raise EnvironmentFault(
            f"has {rows.height:,} rows, and a version was trained on {snapshot.rows:,}",
            code="data_changed",
            where=f'table "{snapshot.table}" at version {snapshot.version}',
            hint="restore the lake from a backup",
        )
    return TableFacts(
        snapshot=snapshot,
        columns=[_describe_column(column) for column in rows.iter_columns()],
        files=_describe_files(project, lake, snapshot),
    )


def _describe_column(column: pl.Series) -> ColumnFacts:
    has_order = column.dtype.is_numeric() or column.dtype.is_temporal()
    bounds = (column.min(), column.max()) if has_order else (None, None)
    smallest, largest = (_to_text(value) for value in bounds)
    known = column.drop_nulls()
    return ColumnFacts(column.name, column.dtype, column.null_count(), known.n_unique(), smallest, largest)


def _to_text(value: object) -> str | None:
    if value is None:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _describe_files(project: Project, lake: Lake, snapshot: SnapshotRecord) -> list[FileFacts]:
    table = lake.table_path(snapshot.table)
    pinned = pinned_version(table, snapshot.version)
    names = pinned.files if pinned else lake.files(snapshot.table, version=snapshot.version)
    with as_lake_faults(snapshot.table, table):
        return [_describe_file(table / name, project.root) for name in sorted(names)]


def _describe_file(path: Path, root: Path) -> FileFacts:
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    columns = tuple(pl.read_parquet_schema(path))
    return FileFacts(path.relative_to(root).as_posix(), columns, path.stat().st_size, digest)
