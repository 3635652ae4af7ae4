"""Rows erased for good: from the newest version of a table, and from the old versions that stay readable.

Both are written anew without the rows. The files before stay until `lake.retention` deletes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mlops_lab.ids import new_id
from mlops_lab.lake.delta import Lake
from mlops_lab.lake.durability import sync_files
from mlops_lab.lake.faults import as_lake_faults
from mlops_lab.lake.history import History, PinnedVersion, read_history, write_history


@dataclass(frozen=True)
class RowMatch:
    """Which rows are meant: those with the text `value` in one of the `columns`, and those with one of the `ids`."""

    columns: tuple[str, ...] = ()
    value: str = ""
    id_column: str = "id"
    ids: frozenset[str] = frozenset()

    def expression(self, stored: Collection[str]) -> pl.Expr:
        """Whether a row of a table with these columns is meant."""
        by_value = [pl.col(name).cast(pl.String) == self.value for name in self.columns if name in stored]
        by_id = [pl.col(self.id_column).cast(pl.String).is_in(list(self.ids))] if self._has_ids(stored) else []
        return pl.any_horizontal(pl.lit(value=False), *by_value, *by_id).fill_null(value=False)

    def predicate(self, stored: Collection[str]) -> str:
        """The same as SQL."""
        parts = [f"CAST({_name(name)} AS VARCHAR) = {_text(self.value)}" for name in self.columns if name in stored]
        if self._has_ids(stored):
            ids = ", ".join(map(_text, sorted(self.ids)))
            parts.append(f"CAST({_name(self.id_column)} AS VARCHAR) IN ({ids})")
        return " OR ".join(parts)

    def _has_ids(self, stored: Collection[str]) -> bool:
        return bool(self.ids) and self.id_column in stored


def matching_rows(lake: Lake, name: str, match: RowMatch) -> pl.DataFrame:
    """The rows of the newest version that are meant, as they are stored."""
    parts = [
        rows.filter(match.expression(rows.columns))
        for rows in lake.read_files(name, [*lake.files(name)], as_stored=True)
    ]
    return pl.concat([pl.DataFrame(schema=lake.schema(name)), *parts], how="diagonal_relaxed")


def delete_rows(lake: Lake, name: str, match: RowMatch, *, position: tuple[str, int] | None = None) -> None:
    """Delete the rows that are meant from the newest version, in one commit, with a position if given."""
    if predicate := match.predicate(lake.schema(name)):
        lake.delete(name, predicate, position=position)


def count_pinned(lake: Lake, name: str, match: RowMatch) -> dict[int, int]:
    """How many rows that are meant each old version has that stays readable; versions without any are left out."""
    folder = lake.table_path(name)
    with as_lake_faults(name, folder):
        pinned = read_history(folder).pinned
        in_file = {path.name: rows for path, rows in _matching_files(folder, pinned.values(), match)}
    counts = {number: sum(in_file.get(file, 0) for file in version.files) for number, version in pinned.items()}
    return {number: rows for number, rows in counts.items() if rows}


def erase_pinned(lake: Lake, name: str, match: RowMatch) -> None:
    """Take the rows that are meant out of all old versions that stay readable; each notes how many it has lost."""
    folder = lake.table_path(name)
    with as_lake_faults(name, folder):
        history = read_history(folder)
        replaced: dict[str, tuple[str, int]] = {}
        for path, rows in _matching_files(folder, history.pinned.values(), match):
            content = pl.read_parquet(path, glob=False)
            new = f"erased-{new_id()}.parquet"
            content.filter(~match.expression(content.columns)).write_parquet(folder / new)
            replaced[path.name] = (new, rows)
        if not replaced:
            return
        sync_files(folder, [new for new, _ in replaced.values()])
        pinned = {number: _without(version, replaced) for number, version in history.pinned.items()}
        write_history(folder, History(history.columns, pinned))
        lake.commits.note_history(name)


def _without(version: PinnedVersion, replaced: dict[str, tuple[str, int]]) -> PinnedVersion:
    files = tuple(replaced[file][0] if file in replaced else file for file in version.files)
    rows = sum(replaced[file][1] for file in version.files if file in replaced)
    return PinnedVersion(version.columns, files, version.erased_rows + rows)


def _matching_files(folder: Path, versions: Collection[PinnedVersion], match: RowMatch) -> Iterator[tuple[Path, int]]:
    """The files of these versions with rows that are meant, and how many."""
    for file in sorted({file for version in versions for file in version.files}):
        path = folder / file
        stored = pl.read_parquet_schema(path)
        names = [name for name in (*match.columns, match.id_column) if name in stored]
        if names:
            rows = pl.read_parquet(path, columns=[*dict.fromkeys(names)], glob=False)
            if count := rows.filter(match.expression(rows.columns)).height:
                yield path, count


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
