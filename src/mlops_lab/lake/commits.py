"""Where the commits of tables are made: in their folder, or in an object store of which the folder is the copy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import locked, sync_folder
from mlops_lab.lake.copy_notes import note_away
from mlops_lab.lake.durability import hide_predicates, sync_commits
from mlops_lab.lake.mirror import Mirror
from mlops_lab.lake.object_store import UNREACHABLE
from mlops_lab.lake.row_stream import ArrowStream
from mlops_lab.lake.store_lock import StoreLock


class LocalCommits:
    """Commits are made in the folder of the lake, and are on the disk when they are settled."""

    def __init__(self, lake: Path) -> None:
        self.lake = lake

    def refresh(self, name: str) -> None:
        """Bring the folder up to date with what others committed to a table elsewhere."""
        del name

    def look(self, name: str) -> None:
        """The same, for whoever only reads: where the others cannot be reached, what is here is what is known."""
        del name

    @contextmanager
    def tolerating(self) -> Iterator[None]:
        """For what can be done later where others cannot be reached."""
        yield

    def refresh_all(self) -> None:
        """Bring the folders of all tables up to date."""

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Held by one process of this machine at a time, for what must not be done twice at once."""
        with locked(self.lake / name):
            yield

    @property
    def is_shared(self) -> bool:
        """Whether other machines may commit, too."""
        return False

    @contextmanager
    def shared_lock(self, name: str, *, wait_seconds: float) -> Iterator[None]:
        """Held by one machine at a time; Refused where another one keeps it for longer."""
        del name, wait_seconds
        yield

    def create(
        self,
        name: str,
        rows: pl.DataFrame | ArrowStream,
        *,
        properties: CommitProperties,
        configuration: Mapping[str, str | None],
    ) -> bool:
        """Write the first version; False where another process of this machine or another one was faster."""
        path = str(self.lake / name)
        write_deltalake(path, rows, mode="append", commit_properties=properties, configuration=dict(configuration))
        sync_commits(self.lake / name, 0)
        sync_folder(self.lake)
        return True

    def open(self, name: str) -> DeltaTable:
        """The table, at its newest version, to commit to."""
        return DeltaTable(str(self.lake / name))

    def target(self, name: str, kept: DeltaTable) -> DeltaTable:
        """The table to append to, where `kept` is the one that is open to read."""
        del name
        return kept

    def settle(self, name: str, first: int) -> None:
        """Finish what was committed from a version on."""
        sync_commits(self.lake / name, first)

    def hide_predicates(self, name: str) -> None:
        """Take out of the commits of a table by which values rows were deleted."""
        hide_predicates(self.lake / name)

    def delete(self, name: str, paths: Sequence[Path]) -> None:
        """Delete files of the table that nobody needs."""
        del name
        for path in paths:
            path.unlink(missing_ok=True)

    def note_history(self, name: str) -> None:
        """Bring to where the table lies what is known of it beyond its log (`lake.history`)."""
        del name

    def prune(self, kept: Callable[[str], Collection[str]]) -> None:
        """Delete here what others have deleted from the tables, but for the files that are `kept` of each."""
        del kept


class StoredCommits(LocalCommits):
    """Commits are made in an object store, and fetched into the folder when they are settled."""

    def __init__(self, mirror: Mirror) -> None:
        super().__init__(mirror.lake)
        self.mirror = mirror
        self._open: dict[str, DeltaTable] = {}

    def refresh(self, name: str) -> None:
        """Fetch what others committed to a table."""
        self.mirror.fetch(name)

    def look(self, name: str) -> None:
        """The same, for whoever only reads: where the store is away, what is here is what is known."""
        with self.tolerating():
            self.mirror.fetch(name)

    @contextmanager
    def tolerating(self) -> Iterator[None]:
        """For what can be done later: where the store is away, it is noted, and no error."""
        try:
            yield
        except EnvironmentFault as fault:
            if fault.code != UNREACHABLE:
                raise
            note_away(self.lake, fault.what)

    def refresh_all(self) -> None:
        """Fetch what others committed."""
        self.mirror.fetch_all()

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """The same, with what others committed before. Of two machines, delta-rs refuses the second commit."""
        with super().turn(name):
            self.mirror.fetch(name)
            yield

    @property
    def is_shared(self) -> bool:
        """Whether other machines may commit, too."""
        return True

    @contextmanager
    def shared_lock(self, name: str, *, wait_seconds: float) -> Iterator[None]:
        """Held by one machine at a time; Refused where another one keeps it for longer."""
        with StoreLock(self.mirror.store, name, wait_seconds=wait_seconds):
            yield

    def create(
        self,
        name: str,
        rows: pl.DataFrame | ArrowStream,
        *,
        properties: CommitProperties,
        configuration: Mapping[str, str | None],
    ) -> bool:
        """Write the first version into the store; False where somebody was faster."""
        uri, options = self._address(name), self.mirror.store.delta_options
        try:
            write_deltalake(
                uri,
                rows,
                mode="error",
                commit_properties=properties,
                configuration=dict(configuration),
                storage_options=options,
            )
        except DeltaError:
            self.mirror.fetch(name)
            if not (self.lake / name).exists():
                raise
            return False
        self.mirror.fetch(name)
        return True

    def open(self, name: str) -> DeltaTable:
        """The table in the store, at its newest version, to commit to."""
        return DeltaTable(self._address(name), storage_options=self.mirror.store.delta_options)

    def target(self, name: str, kept: DeltaTable) -> DeltaTable:
        """The table in the store, to append to; it stays open, which is many times faster."""
        if (table := self._open.get(name)) is not None and abs(kept.version() - table.version()) <= _REOPEN_AFTER:
            table.update_incremental()
        else:
            table = self._open[name] = self.open(name)
        return table

    def settle(self, name: str, first: int) -> None:
        """Fetch what was committed from a version on."""
        del first
        self.mirror.fetch(name)

    def hide_predicates(self, name: str) -> None:
        """Take out of the stored commits of a table by which values rows were deleted; the copy never has them."""
        self.mirror.hide_predicates(name)

    def delete(self, name: str, paths: Sequence[Path]) -> None:
        """Delete files of the table that nobody needs, in the store and here."""
        self.mirror.delete(name, paths)

    def note_history(self, name: str) -> None:
        """Bring to the store what is known of the table beyond its log."""
        self.mirror.send_history(name)

    def prune(self, kept: Callable[[str], Collection[str]]) -> None:
        """Delete from the copy what others have deleted in the store, once an hour."""
        self.mirror.prune_all(kept)

    def _address(self, name: str) -> str:
        return f"{self.mirror.store.uri}/{name}"


_REOPEN_AFTER = 20
"""A table that is kept open gets slower with each append: after some versions it is opened again."""
