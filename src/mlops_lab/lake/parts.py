"""Reads the data that `lake.sources` reads, the same rows with the same types, part by part and as often as wanted.

Parquet and Delta tables are read where they lie. Text is written once, part by part, into files whose types are known:
what a column is, its last row may decide. Other kinds of files are held whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.lake.columns import ColumnSelection, concat_parts, normalize_types, resolve_names
from mlops_lab.lake.delimited import DelimitedTable, no_data_rows_error
from mlops_lab.lake.files import (
    DELIMITED,
    PARQUET,
    bad_file_error,
    check_exists,
    check_files,
    check_kinds,
    file_changed_error,
    file_stamps,
    is_delta,
    no_rows_error,
    open_as_text_or_parquet,
    scan_delta,
)
from mlops_lab.lake.scratch import scratch_folder
from mlops_lab.lake.sources import read_file
from mlops_lab.lake.text_values import apply_guesses

CELLS_PER_PART = 4_000_000
"""A part has about so many values: some 400,000 rows of ten columns."""
_HEAD_ROWS = 10_000


def rows_per_part(columns: int) -> int:
    """How many rows of so many columns a part has."""
    return max(1, CELLS_PER_PART // max(columns, 1))


@dataclass(frozen=True)
class Parts:
    """The rows of some data, with its columns and their types. `read` gives all of them in parts, in the same order
    each time; InvalidInput at the end where the data has changed since it was opened."""

    rows: int
    schema: dict[str, pl.DataType]
    read: Callable[[], Iterator[pl.DataFrame]]


@dataclass(frozen=True)
class _File:
    """One file of the data; its columns have their new names, and the types that they have in it."""

    name: str
    rows: int
    sample: pl.DataFrame
    """One row, which is null only in columns that have no value at all."""
    read: Callable[[], Iterator[pl.DataFrame]]


@contextmanager
def open_parts(path: Path, selection: ColumnSelection) -> Iterator[Parts]:
    """The data in a file, a folder of files, or a Delta table. Raises InvalidInput like `read_data`."""
    check_exists(path)
    with ExitStack() as stack:
        is_table = is_delta(path)
        stamps = [] if is_table else file_stamps(path)
        with _unchanged(path, stamps):
            files = [_open_delta(path, selection)] if is_table else _open_files(path, selection, stack)
        rows = sum(file.rows for file in files)
        if not rows:
            raise no_rows_error(str(path))
        is_folder = path.is_dir() and not is_table
        sample = concat_parts([(file.name, file.sample) for file in files]) if is_folder else files[0].sample
        types = sample.schema
        schema = normalize_types(sample.clear(), str(path), selection.options.na).schema

        def read() -> Iterator[pl.DataFrame]:
            done = 0
            with _unchanged(path, stamps):
                for part in (part for file in files for part in file.read()):
                    if (done := done + part.height) > rows:
                        raise file_changed_error(str(path))
                    frame = part.select(_as(name, part.schema[name], types[name]) for name in schema)
                    yield normalize_types(frame, str(path), selection.options.na)
            if done < rows:
                raise file_changed_error(str(path))

        yield Parts(rows, dict(schema), read)


def _as(name: str, dtype: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """A column of a file with the type that it has in the data; one of no type has no value in any file."""
    column = pl.col(name)
    if wanted == pl.Null:
        return pl.when(column.is_null()).then(pl.lit(None, pl.String)).alias(name)
    return column if dtype == wanted else column.cast(wanted, strict=False)


@contextmanager
def _unchanged(path: Path, stamps: list[tuple[Path, tuple[int, int, int]]]) -> Iterator[None]:
    """InvalidInput where the files change meanwhile, whatever else is then wrong with them; a Delta table, which has no
    stamps, is read at a version."""
    try:
        yield
    except MlopsError:
        if stamps and file_stamps(path) != stamps:
            raise file_changed_error(str(path)) from None
        raise
    if stamps and file_stamps(path) != stamps:
        raise file_changed_error(str(path))


def _open_files(path: Path, selection: ColumnSelection, stack: ExitStack) -> list[_File]:
    files, kinds = list[_File](), dict[str, str]()
    for file in check_files(path) if path.is_dir() else [path]:
        kind, opened = _open_file(file, selection, stack)
        kinds.setdefault(kind, file.name)
        check_kinds(path, kinds)
        files.append(opened)
    return files


def _open_file(path: Path, selection: ColumnSelection, stack: ExitStack) -> tuple[str, _File]:
    """The kind of a file, and its content, which can be read until the stack is closed."""
    kind, plain = stack.enter_context(open_as_text_or_parquet(path, selection.options))
    if kind == PARQUET:
        return kind, _open_parquet(plain, str(path), selection)
    if kind == DELIMITED:
        folder = stack.enter_context(scratch_folder())
        return kind, _open_delimited(plain, str(path), selection, folder)
    frame = read_file(path, selection)[1]

    def read() -> Iterator[pl.DataFrame]:
        yield from frame.iter_slices(rows_per_part(frame.width))

    return kind, _File(str(path), frame.height, frame.select(pl.all().drop_nulls().first()), read)


def _open_parquet(plain: Path, name: str, selection: ColumnSelection) -> _File:
    try:
        scan = pl.scan_parquet(plain, glob=False)
        return _open_scan(scan, name, selection, lambda error: bad_file_error("Parquet", error, name))
    except pl.exceptions.PolarsError as error:
        raise bad_file_error("Parquet", error, name) from None


def _open_delta(path: Path, selection: ColumnSelection) -> _File:
    from deltalake.exceptions import DeltaError

    try:
        scan = scan_delta(path)
        return _open_scan(scan, str(path), selection, lambda error: bad_file_error("a Delta table", error, str(path)))
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise bad_file_error("a Delta table", error, str(path)) from None


def _open_scan(
    scan: pl.LazyFrame, name: str, selection: ColumnSelection, fault: Callable[[Exception], Exception]
) -> _File:
    header = scan.collect_schema().names()
    names = resolve_names(header, name, selection)
    excluded = {*selection.excluded(names)}
    columns = [pl.col(old).alias(new) for old, new in zip(header, names, strict=True) if new not in excluded]
    chosen, rows = scan.select(columns), int(scan.select(pl.len()).collect().item())

    def read() -> Iterator[pl.DataFrame]:
        try:
            yield from chosen.collect_batches(chunk_size=rows_per_part(len(columns)), engine="streaming")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise fault(error) from None

    return _File(name, rows, _sample(chosen), read)


def _sample(scan: pl.LazyFrame) -> pl.DataFrame:
    """The first value of each column that is not null; only columns whose first rows are null are read to the end."""
    first = scan.head(_HEAD_ROWS).select(pl.all().drop_nulls().first()).collect(engine="streaming")
    empty = [column.name for column in first.iter_columns() if column.null_count()]
    rest = scan.select(pl.col(empty).drop_nulls().first()).collect(engine="streaming") if empty else first
    return first.with_columns(rest) if empty else first


def _open_delimited(plain: Path, name: str, selection: ColumnSelection, folder: Path) -> _File:
    table = DelimitedTable(plain, name, selection)
    rows, guesses = table.write_parts(folder, rows=rows_per_part(len(table.names)))
    if not rows:
        raise no_data_rows_error(name)
    paths = sorted(folder.iterdir())

    def read() -> Iterator[pl.DataFrame]:
        for path in paths:
            yield apply_guesses(pl.read_ipc(path.read_bytes()), guesses, is_declared=selection.text is not None)

    sample = None
    for part in read():
        found = part.select(pl.all().drop_nulls().first())
        sample = found if sample is None else pl.concat([sample, found]).select(pl.all().drop_nulls().first())
        if not any(column.null_count() for column in sample.iter_columns()):
            break
    assert sample is not None, "a table with rows has a part"
    return _File(name, rows, sample, read)
