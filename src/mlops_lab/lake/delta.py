"""Delta tables in a folder: append exactly once, rewrite, delete; `lake.stored_tables` reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from mlops_lab.files import locked, sync_folder
from mlops_lab.lake.durability import sync_table
from mlops_lab.lake.kept import PinnedTables
from mlops_lab.lake.row_stream import ArrowStream, RowStream
from mlops_lab.lake.stored_tables import StoredTables
from mlops_lab.schemas.casts import cast_exactly, join_types

PROPERTIES = {
    "delta.checkpointInterval": "20",
    "delta.enableExpiredLogCleanup": "false",
    "delta.deletedFileRetentionDuration": "interval 1 hours",
}
"""Of each table. Commits are deleted by us only (`lake.retention`), and files that were put together are not listed for
a week in each checkpoint."""
_MOST_CONFLICTS = 20
"""How often an append is tried again because another process was faster."""


class Lake(StoredTables):
    """The Delta tables in one folder, to read and to write.

    A column whose new rows do not fit its type gets one that fits all its rows. Nothing that was stored is lost by it:
    Delta keeps the version before. Where the tables are pinned, nothing can be written: see `pin`.
    """

    def pin(self) -> Lake:
        """All tables as they are now, to read: what others add meanwhile is not seen. These versions stay readable as
        long as the returned lake is in use."""
        if self.pinned is not None:
            return self
        return Lake(self.path, declared=self.declared, pinned=PinnedTables(self.path, self.tables()))

    def append(
        self,
        name: str,
        rows: pl.DataFrame,
        *,
        time: str | None = None,
        position: tuple[str, int] | None = None,
        also: Sequence[tuple[str, int]] = (),
    ) -> bool:
        """Append rows in one commit; True if they were written.

        `position` = (writer, number) makes the append exactly-once: rows whose number is not greater than the writer's
        last one are already in the table and are not written again. `also`: further positions to store in the commit.
        `time` names the column that readers filter by: statistics are kept for this column only, which makes a commit
        three times faster. New columns are added to the table. What is written is on the disk when this returns.

        Several processes may append to one table at the same time, with the same `writer` too: of two that append the
        same number one gets False.
        """
        assert self.pinned is None, "a pinned lake is only read"
        transactions = [Transaction(*item) for item in (*also, *([position] if position else []))]
        properties = CommitProperties(app_transactions=transactions or None)

        def write() -> bool:
            self.commits.refresh(name)
            if not self.exists(name) and self._create(name, rows, time=time or rows.columns[0], properties=properties):
                return True
            return self._add(name, rows, position=position, properties=properties)

        return self._guard(name, lambda: self._try_again(name, write))

    def append_parts(
        self,
        name: str,
        parts: Callable[[], Iterator[pl.DataFrame]],
        *,
        schema: Mapping[str, pl.DataType],
        time: str | None = None,
    ) -> None:
        """Append rows that come in parts, in one commit, as `append` does; in memory is one part at a time.

        `parts` gives the rows, with the columns of `schema`, and gives them again where another process was faster.
        """
        assert self.pinned is None, "a pinned lake is only read"
        stream, properties = RowStream(parts, schema), CommitProperties()

        def create(rows: ArrowStream) -> bool:
            return self._create(name, rows, time=time or next(iter(schema)), properties=properties)

        def write() -> bool:
            self.commits.refresh(name)
            if not self.exists(name) and stream.write(create):
                return True
            types = self._fit_parts(name, stream)
            return stream.write(lambda rows: self._commit(name, rows, properties=properties), types)

        self._guard(name, lambda: self._try_again(name, write))

    def _create(self, name: str, rows: pl.DataFrame | ArrowStream, *, time: str, properties: CommitProperties) -> bool:
        """Write the first version; False where another process was faster: Delta would let both write."""
        self.path.mkdir(parents=True, exist_ok=True)
        with locked(self.path):
            if self.exists(name):
                return False
            configuration = {**PROPERTIES, "delta.dataSkippingStatsColumns": time}
            return self.commits.create(name, rows, properties=properties, configuration=configuration)

    def _add(
        self, name: str, rows: pl.DataFrame, *, position: tuple[str, int] | None, properties: CommitProperties
    ) -> bool:
        """Write one more version; False where the rows are in the table already."""
        if _is_written(self.open_table(name), position):
            return False
        return self._commit(name, self._fit(name, rows), position=position, properties=properties)

    def _commit(
        self,
        name: str,
        rows: pl.DataFrame | ArrowStream,
        *,
        properties: CommitProperties,
        position: tuple[str, int] | None = None,
    ) -> bool:
        # looked at in the very version that the commit follows: Delta refuses a commit after another one of the same
        # writer, but knows of none before that version
        target = self.commits.target(name, self.open_table(name))
        if _is_written(target, position):
            return False
        first = int(target.version()) + 1
        write_deltalake(target, rows, mode="append", schema_mode="merge", commit_properties=properties)
        self.commits.settle(name, first)
        self._kept.note_append(name)
        return True

    def rewrite(
        self, name: str, change: Callable[[pl.DataFrame], pl.DataFrame], *, counted_by: str | None = None
    ) -> None:
        """Put what `change` makes of the stored rows in their place, in one commit. All positions stay; `counted_by`:
        the writer whose position is the number of the new rows.

        Rows that another process appends meanwhile are kept.
        """
        with self.commits.turn(name):
            table = self.commits.open(name)  # not the kept one, which goes on when another process commits
            rows = change(pl.DataFrame(table.scan()))
            positions = [Transaction(counted_by, rows.height)] if counted_by else None
            properties = CommitProperties(app_transactions=positions)
            first = int(table.version()) + 1
            write_deltalake(table, rows, mode="overwrite", schema_mode="overwrite", commit_properties=properties)
            self.commits.settle(name, first)
        self._kept.forget(name)

    def delete(self, name: str, predicate: str, *, position: tuple[str, int] | None = None) -> None:
        """Delete the rows for which an SQL predicate is true, in one commit, which does not say what it was. All other
        positions stay. Only files with such rows are written again; versions before keep theirs.

        Rows that another process appends meanwhile are kept.
        """
        properties = CommitProperties(app_transactions=[Transaction(*position)] if position else None)
        with self._guarded(name), self.commits.turn(name):
            table = self.commits.open(name)
            first = int(table.version()) + 1
            table.delete(predicate, commit_properties=properties)
            self.commits.hide_predicates(name)
            self.commits.settle(name, first)
        self._kept.forget(name)

    def sync(self) -> None:
        """Bring all tables to the disk, also what a process wrote that was killed before it could do so."""
        for name in self.tables():
            self._guard(name, lambda name=name: sync_table(self.table_path(name), self.files(name)))  # type: ignore[misc]
        if self.path.is_dir():
            sync_folder(self.path)

    def _fit(self, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the types of the table. Where they do not fit, or where the project has declared another type
        that all rows have, the table gets other types first."""
        stored, declared = self.schema(name), self.declared.get(name, {})
        casts: dict[str, pl.DataType] = {}
        for column in rows.iter_columns():
            before = stored.get(column.name, column.dtype)
            if before == column.dtype:
                continue
            is_wanted = column.name in declared and declared[column.name].dtype == column.dtype
            if is_wanted or cast_exactly(column, before)[1] is not None:
                old = self.read(name, columns=[column.name], as_stored=True)[column.name]
                casts[column.name] = join_types(column, old)
        casts = {column: dtype for column, dtype in casts.items() if dtype != stored[column]}
        if casts:  # older versions keep the old ones
            self.rewrite(name, lambda old: old.with_columns(_cast(old, casts)))
        types = {column: casts.get(column, stored.get(column, dtype)) for column, dtype in rows.schema.items()}
        return rows.with_columns(_cast(rows, types))

    def _fit_parts(self, name: str, stream: RowStream) -> dict[str, pl.DataType]:
        """The types of the table, which gets others first where rows that come in parts do not fit them. Only columns
        of another type are held whole."""
        stored = self.schema(name)
        other = [column for column, dtype in stream.schema.items() if stored.get(column, dtype) != dtype]
        if other:
            self._fit(name, pl.concat(part.select(other) for part in stream.parts()))
        return self.schema(name)

    def _try_again(self, name: str, write: Callable[[], bool]) -> bool:
        """Write; where another process committed meanwhile, look at the table as it is now, and write again."""
        for _ in range(_MOST_CONFLICTS):
            try:
                return write()
            except CommitFailedError:
                self._kept.forget(name)
        return write()


def _is_written(table: DeltaTable, position: tuple[str, int] | None) -> bool:
    """Whether the append of that position is in the table."""
    return position is not None and (table.transaction_version(position[0]) or -1) >= position[1]


def _cast(rows: pl.DataFrame, types: Mapping[str, pl.DataType]) -> list[pl.Series]:
    return [cast_exactly(rows[column], dtype)[0] for column, dtype in types.items()]
