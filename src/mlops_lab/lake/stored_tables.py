"""The Delta tables in a folder as they are read: at a version, as they are declared now, part by part."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from tempfile import gettempdir
from typing import TypeVar

import polars as pl
from deltalake import DeltaTable

from mlops_lab.errors import NotFound
from mlops_lab.lake.added import Added, Mark, added_files, mark_of
from mlops_lab.lake.bounds import FileBounds, bounds_of
from mlops_lab.lake.commits import LocalCommits
from mlops_lab.lake.faults import as_lake_faults
from mlops_lab.lake.history import pinned_version
from mlops_lab.lake.kept import KeptTables, PinnedTables
from mlops_lab.lake.reading import (
    Bounds,
    TableFile,
    actions_of,
    in_parts,
    is_plain,
    read_each,
    read_files,
    read_table,
    read_together,
    schema_of,
    table_files,
)
from mlops_lab.lake.snapshots import Snapshot, fingerprint_table, fingerprint_table_parts, is_large
from mlops_lab.schemas.evolution import Column, as_declared

_Result = TypeVar("_Result")


class StoredTables:
    """The Delta tables in one folder, each in its own folder; `Lake` also writes them.

    `declared` holds by table the columns that the project declares now. What is stored may be of another type, or from
    before a column was declared: it is read as declared (`schemas.evolution`). With `pinned`, all tables are read at
    these versions. `commits` tells where commits are made: in the folder, or in an object store, of which the folder is
    the copy that is read.
    """

    def __init__(
        self,
        path: Path,
        *,
        declared: Mapping[str, Mapping[str, Column]] | None = None,
        pinned: PinnedTables | None = None,
        commits: LocalCommits | None = None,
    ) -> None:
        self.path = path
        self.commits = commits or LocalCommits(path)
        self.declared = declared or {}
        self.pinned = pinned
        self._kept = pinned or KeptTables(path)

    def table_path(self, name: str) -> Path:
        """The folder of the table, which Polars, DuckDB or Spark can read."""
        return self.path / name

    def tables(self) -> list[str]:
        """The names of all tables."""
        if self.pinned is not None:
            return sorted(self.pinned.versions)
        if not self.path.is_dir():
            return []
        return sorted(
            entry.name for entry in self.path.iterdir() if entry.is_dir() and DeltaTable.is_deltatable(str(entry))
        )

    def exists(self, name: str) -> bool:
        """Whether the table has been created."""
        if self.pinned is not None:
            return name in self.pinned.versions
        return name in self._kept or DeltaTable.is_deltatable(str(self.table_path(name)))

    def position(self, name: str, writer: str, *, version: int | None = None) -> int:
        """The number of the writer's last append (up to a version of the table, if given); 0 before the first."""
        if not self.exists(name):
            return 0
        return self._ask(name, ("position", writer), lambda table: table.transaction_version(writer) or 0, version)

    def refresh(self) -> None:
        """Bring all tables up to date with what others committed elsewhere. EnvironmentFault where the object store
        that they lie in is away."""
        self.commits.refresh_all()

    def files(self, name: str, *, version: int | None = None) -> dict[str, TableFile]:
        """The files of the table (at a version, if given), by their path below its folder, as its log describes
        them."""
        return dict(self._ask(name, "files", table_files, version))

    def bounds(self, name: str, column: str) -> list[FileBounds]:
        """Between which values of a time column the rows of each file lie, as the table's log tells it."""
        return bounds_of(self._ask(name, "actions", actions_of), column)

    def read(
        self,
        name: str,
        *,
        version: int | None = None,
        since: tuple[str, datetime] | None = None,
        before: tuple[str, datetime] | None = None,
        columns: Sequence[str] | None = None,
        as_stored: bool = False,
    ) -> pl.DataFrame:
        """The rows of a table, at a version if given; `since` = (column, moment) keeps rows at or after the moment,
        `before` those before it.

        Columns are read as they are declared now (`schemas.evolution`). InvalidInput where a stored value does not fit;
        with `as_stored`, they are read as they are.
        """

        bounds = Bounds(since, before)
        if version is None and self.pinned is not None and self.exists(name):
            version = self.pinned.versions[name]
        pinned = None if version is None else pinned_version(self.table_path(name), version)

        def scan() -> pl.DataFrame:
            if pinned is None:
                table = self.open_table(name, version=version)
                number = int(table.version())
                schema = self._ask(name, "schema", schema_of, number)
                actions = self._ask(name, "actions", actions_of, number)
                return read_table(table, self.table_path(name), bounds, columns, schema=schema, actions=actions)
            paths = [self.table_path(name) / file for file in pinned.files]
            return read_files(paths, pinned.columns, bounds, columns)

        rows = self._guard(name, scan)
        if as_stored:
            return rows
        return as_declared(rows, self.declared.get(name, {}), table=name, columns=columns)

    def read_parts(self, name: str, *, version: int) -> Iterator[pl.DataFrame]:
        """The rows that `read` gives, part by part, each time in the same order; at least one part. Only a table that
        other tools gave features which change how files are read is read whole."""
        files = list(self.files(name, version=version))
        if files and self._is_read_by_file(name, version):
            yield from self._read_in_parts(name, files, columns=None)
        else:
            yield self.read(name, version=version)

    def read_added(self, name: str, since: Mark | None = None, *, columns: Sequence[str] | None = None) -> Added:
        """The rows that were added after a mark; all rows without one, and where the table is not any more what it was
        then. Read file by file, as they are declared now."""
        version, folder = self.version(name), self.table_path(name)
        files = added_files(folder, since=since, until=version) if since else None
        is_whole = files is None
        names = sorted(self.files(name)) if files is None else files
        return Added(mark_of(folder, version), is_whole, self._read_in_parts(name, names, columns=columns))

    def _read_in_parts(
        self, name: str, files: Sequence[str], *, columns: Sequence[str] | None
    ) -> Iterator[pl.DataFrame]:
        """The rows of these files, as they are declared now; small files together, which is many times faster."""
        wanted = self._wanted(name, columns)
        for paths in self._in_parts(name, files):
            rows = self._guard(name, lambda paths=paths: read_together(paths, wanted))  # type: ignore[misc]
            yield as_declared(rows, self.declared.get(name, {}), table=name, columns=columns)

    def read_files(
        self, name: str, files: Sequence[str], *, columns: Sequence[str] | None = None, as_stored: bool = False
    ) -> Iterator[pl.DataFrame]:
        """The rows of each of these files of a table, as they are declared now, or, with `as_stored`, as they are.
        Small files are read together, the others when the iterator comes to them."""
        wanted = self._wanted(name, columns)
        for paths in self._in_parts(name, files):
            for rows in self._guard(name, lambda paths=paths: list(read_each(paths, wanted))):  # type: ignore[misc]
                yield rows if as_stored else as_declared(rows, self.declared.get(name, {}), table=name, columns=columns)

    def _in_parts(self, name: str, files: Sequence[str]) -> Iterator[list[Path]]:
        paths = [self.table_path(name) / file for file in files]
        return in_parts(paths, [path.stat().st_size for path in paths])

    def _wanted(self, name: str, columns: Sequence[str] | None) -> dict[str, pl.DataType]:
        return {column: dtype for column, dtype in self.schema(name).items() if columns is None or column in columns}

    def schema(self, name: str) -> dict[str, pl.DataType]:
        """Column names and dtypes; empty where the table does not exist yet."""
        return dict(self._ask(name, "schema", schema_of)) if self.exists(name) else {}

    def version(self, name: str) -> int:
        """The number of the table's latest version."""
        return int(self.open_table(name).version())

    def snapshot(self, name: str) -> Snapshot:
        """The table as it is now; of a pinned lake, at the version that all its readers see."""
        version, columns = self.version(name), list(dict.fromkeys([*self.schema(name), *self.declared.get(name, {})]))
        files = self.files(name)
        rows, is_counted = sum(file.rows for file in files.values()), all(file.rows for file in files.values())
        if not is_counted or not is_large(rows, len(columns)) or not self._is_read_by_file(name, version):
            read = self.read(name, version=version)
            return Snapshot(name, version, read.height, fingerprint_table(read))

        def read_parts(names: Sequence[str] | None) -> Iterator[pl.DataFrame]:
            return self._read_in_parts(name, sorted(files), columns=names)

        with as_lake_faults(name, Path(gettempdir())):  # which may be full
            return Snapshot(name, version, rows, fingerprint_table_parts(read_parts, columns=columns, rows=rows))

    def _is_read_by_file(self, name: str, version: int) -> bool:
        """Whether the files that the log names are the rows of a version, which is the one that this lake reads."""
        return pinned_version(self.table_path(name), version) is None and is_plain(self.open_table(name))

    def open_table(self, name: str, *, version: int | None = None) -> DeltaTable:
        """The table as delta-rs opens it, at its newest version or at another one; NotFound where there is none.

        Look at it at once: the newest one goes on with the table."""
        self._check_exists(name)
        if version is not None:
            return self._kept.at(name, version)
        return self._guard(name, lambda: self._kept.latest(name))

    def _ask(
        self, name: str, what: Hashable, answer: Callable[[DeltaTable], _Result], version: int | None = None
    ) -> _Result:
        """What `answer` says of a table, at a version if given: see `KeptTables.ask`. NotFound where there is none."""
        self._check_exists(name)
        return self._guard(name, lambda: self._kept.ask(name, what, answer, version=version))

    def _check_exists(self, name: str) -> None:
        if not self.exists(name):
            raise NotFound(
                f'there is no table "{name}"',
                code="unknown_table",
                where=str(self.path),
                hint=f"the lake has: {', '.join(self.tables()) or 'no tables yet; run `mlops run`'}",
            )

    def _guarded(self, name: str) -> AbstractContextManager[None]:
        return as_lake_faults(name, self.table_path(name))

    def _guard(self, name: str, work: Callable[[], _Result]) -> _Result:
        with self._guarded(name):
            return work()
