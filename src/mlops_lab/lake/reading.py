"""The stored rows of a Delta table: of the whole table, or of some of its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

from mlops_lab.lake.bounds import FileBounds, bounds_of

_PART_BYTES = 8 * 2**20
_PLAIN_READER = 1
"""The version of Delta's protocol in which the files are the table."""
_PATH = "\0path"


class Bounds(NamedTuple):
    """Which rows are read: `since` = (column, moment) keeps those at or after the moment, `before` those before it."""

    since: tuple[str, datetime] | None = None
    before: tuple[str, datetime] | None = None

    def keep(self) -> pl.Expr:
        """Whether a row is within the bounds."""
        since = [pl.col(self.since[0]) >= self.since[1]] if self.since else []
        before = [pl.col(self.before[0]) < self.before[1]] if self.before else []
        return pl.all_horizontal(pl.lit(value=True), *since, *before)


@dataclass(frozen=True)
class TableFile:
    """One file of a table: its size and the number of its rows, as the table's log tells them (0 where another tool has
    not counted them)."""

    size_bytes: int
    rows: int


def table_files(table: DeltaTable) -> dict[str, TableFile]:
    """The files of the table, by their path below its folder, as its log describes them."""
    actions = actions_of(table)
    columns = zip(actions["path"], actions["size_bytes"], actions["num_records"], strict=True)
    return {unquote(path): TableFile(size, rows or 0) for path, size, rows in columns}


def read_table(
    table: DeltaTable,
    folder: Path,
    bounds: Bounds,
    columns: Sequence[str] | None,
    *,
    schema: Mapping[str, pl.DataType],
    actions: pl.DataFrame,
) -> pl.DataFrame:
    """The rows of the table in this folder within the bounds; only files that may hold such rows are read. `schema` and
    `actions` are those of the table: see `schema_of` and `actions_of`.

    Polars reads many small files in a third of the time that delta-rs takes. A table to which another tool gave
    features that change how files are to be read, such as deletion vectors, is read by delta-rs.
    """
    names = list(schema) if columns is None else _known_columns(schema, columns)
    wanted = {column: schema[column] for column in names}
    if not is_plain(table):
        return _scan_table(table, bounds, list(wanted))
    filtered = {bound[0]: schema[bound[0]] for bound in bounds if bound}
    paths = [folder / file for file in _files_within(actions, bounds)]
    rows = read_together(paths, wanted | filtered, keep=bounds.keep())
    return rows.select(list(wanted))


def is_plain(table: DeltaTable) -> bool:
    """Whether the files of the table are its rows."""
    return table.protocol().min_reader_version <= _PLAIN_READER


def schema_of(table: DeltaTable) -> dict[str, pl.DataType]:
    """Column names and dtypes of a table."""
    return dict(pl.DataFrame(table.schema().to_arrow().empty_table()).schema)


def actions_of(table: DeltaTable) -> pl.DataFrame:
    """What the log of a table tells of each of its files."""
    return pl.DataFrame(table.get_add_actions(flatten=True))


def _scan_table(table: DeltaTable, bounds: Bounds, columns: Sequence[str]) -> pl.DataFrame:
    kept = zip(bounds, (">=", "<"), strict=True)
    conditions = [f"{bound[0]} {sign} '{bound[1].isoformat()}'" for bound, sign in kept if bound]
    return pl.DataFrame(table.scan(predicate=" AND ".join(conditions) or None, columns=list(columns)))


def _files_within(actions: pl.DataFrame, bounds: Bounds) -> list[str]:
    """The files that may have rows within the bounds, as the table's log tells it."""
    files = [unquote(path) for path in actions["path"]]
    for bound, may_hold in ((bounds.since, FileBounds.may_reach), (bounds.before, FileBounds.may_begin)):
        if bound:
            held = {file.path for file in bounds_of(actions, bound[0]) if may_hold(file, bound[1])}
            files = [file for file in files if file in held]
    return files


def read_file(path: Path, wanted: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The wanted columns of one file; null where the file is from before a column was there."""
    stored = [column for column in pl.read_parquet_schema(path) if column in wanted]
    part = pl.read_parquet(path, columns=stored, glob=False)
    return pl.concat([pl.DataFrame(schema=wanted), part], how="diagonal_relaxed")


def in_parts(files: Sequence[Path], sizes_bytes: Sequence[int]) -> Iterator[list[Path]]:
    """The files in parts that are small enough to be read together."""
    part: list[Path] = []
    total = 0
    for file, size in zip(files, sizes_bytes, strict=True):
        if part and total + size > _PART_BYTES:
            yield part
            part, total = [], 0
        part.append(file)
        total += size
    if part:
        yield part


def read_together(
    paths: Sequence[Path], wanted: Mapping[str, pl.DataType], *, keep: pl.Expr | None = None
) -> pl.DataFrame:
    """The wanted columns of several files, of the rows to keep; null where a file is from before a column was there."""
    keep = pl.lit(value=True) if keep is None else keep
    if not paths:
        return pl.DataFrame(schema=wanted)
    if len(paths) > 1:
        with suppress(pl.exceptions.PolarsError):  # a column has another type in one of them, or a file is damaged
            return _scan_together(paths, wanted).filter(keep).select(list(wanted)).collect()
    return pl.concat([read_file(path, wanted) for path in paths], how="diagonal_relaxed").filter(keep)


def read_each(paths: Sequence[Path], wanted: Mapping[str, pl.DataType]) -> Iterator[pl.DataFrame]:
    """The wanted columns of each of several files, which are read together, as that is many times faster."""
    try:
        rows = _scan_together(paths, wanted, add_path=_PATH).select(_PATH, *wanted).collect()
    except pl.exceptions.PolarsError:
        yield from (read_file(path, wanted) for path in paths)
        return
    parts = rows.partition_by(_PATH, as_dict=True, include_key=False)
    yield from (parts.get((str(path),), pl.DataFrame(schema=wanted)) for path in paths)


def _scan_together(
    paths: Sequence[Path], wanted: Mapping[str, pl.DataType], *, add_path: str | None = None
) -> pl.LazyFrame:
    return pl.scan_parquet(
        list(paths),
        schema=wanted,
        missing_columns="insert",
        extra_columns="ignore",
        glob=False,
        include_file_paths=add_path,
    )


def read_files(
    paths: Sequence[Path], names: Sequence[str], bounds: Bounds, columns: Sequence[str] | None
) -> pl.DataFrame:
    """The rows within the bounds of files that make up a table with these columns."""
    rows = pl.concat([pl.read_parquet(path, glob=False) for path in paths], how="diagonal_relaxed")
    return rows.filter(bounds.keep()).select(name for name in names if columns is None or name in columns)


def _known_columns(stored: Iterable[str], columns: Sequence[str]) -> list[str]:
    """Those of the columns that the table has; its first one where it has none of them, for the number of rows."""
    stored = list(stored)
    return [column for column in columns if column in stored] or stored[:1]
