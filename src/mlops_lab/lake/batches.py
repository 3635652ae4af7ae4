"""Reads a table of any size in batches: a file, a folder of files, or a Delta table, in the memory of one batch.

The rows are those that `lake.sources` reads. Only JSON lines may differ: a field that a line omits is null there.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from mlops_lab.lake.columns import ColumnSelection, normalize_types, resolve_names, select_columns
from mlops_lab.lake.delimited import DelimitedTable
from mlops_lab.lake.files import (
    DELIMITED,
    JSON_LINES,
    PARQUET,
    bad_file_error,
    check_exists,
    check_files,
    check_kinds,
    file_changed_error,
    file_stamp,
    find_bad_line,
    is_delta,
    no_rows_error,
    open_as_text_or_parquet,
    scan_delta,
)
from mlops_lab.lake.remote import downloaded, is_remote, mask_address

ROWS_PER_BATCH = 25_000
"""Small enough that threads which share the batches of a file end at about the same time."""
_BYTES_PER_BLOCK = 8 * 2**20


class Batch(NamedTuple):
    """Some rows of the file `name`, whose first row has the number `first_row` (from 0).

    `names`: all columns of the file, selected or not. `total_rows`: the number of rows of the file, where it is known.
    `may_omit_fields`: whether a missing column means that the field is null in all these rows.
    """

    frame: pl.DataFrame
    name: str
    first_row: int
    names: list[str]
    total_rows: int | None
    may_omit_fields: bool = False


def read_batches(data: str | Path, *, selection: ColumnSelection, rows: int = ROWS_PER_BATCH) -> Generator[Batch]:
    """The rows of a file, here or on a server; of a folder of files, in the order of their names; or of a Delta table.

    Raises InvalidInput like `read_data`. A file that changes while it is read is detected at its end.
    """
    if is_remote(str(data)):
        with downloaded(str(data)) as copy:
            for batch in read_batches(copy, selection=selection, rows=rows):
                yield batch._replace(name=mask_address(str(data)))
        return
    data = Path(data)
    check_exists(data)
    if is_delta(data):
        batches = _read_delta(data, selection, rows)
    elif data.is_dir():
        batches = _read_folder(data, selection, rows)
    else:
        batches = (batch for _, batch in _read_file(data, selection, rows))
    empty = True
    for batch in batches:
        empty = False
        yield batch._replace(frame=normalize_types(batch.frame, batch.name, selection.options.na))
    if empty:
        raise no_rows_error(str(data))


def _read_folder(path: Path, selection: ColumnSelection, rows: int) -> Iterator[Batch]:
    kinds: dict[str, str] = {}
    for file in check_files(path):
        for kind, batch in _read_file(file, selection, rows):
            kinds.setdefault(kind, file.name)
            check_kinds(path, kinds)
            yield batch._replace(total_rows=None)


def _read_file(path: Path, selection: ColumnSelection, rows: int) -> Iterator[tuple[str, Batch]]:
    """The batches of a file, each with the file's kind."""
    before = file_stamp(path)
    with open_as_text_or_parquet(path, selection.options) as (kind, plain):
        read = {PARQUET: _read_parquet, JSON_LINES: _read_json_lines, DELIMITED: _read_delimited}[kind]
        for batch in read(plain, str(path), selection, rows):
            if batch.frame.height:
                yield kind, batch
    if file_stamp(path) != before:
        raise file_changed_error(str(path))


def _read_parquet(plain: Path, name: str, selection: ColumnSelection, rows: int) -> Iterator[Batch]:
    try:
        yield from _collect(pl.scan_parquet(plain, glob=False), name, selection, rows)
    except pl.exceptions.PolarsError as error:
        raise bad_file_error("Parquet", error, name) from None


def _read_delta(path: Path, selection: ColumnSelection, rows: int) -> Iterator[Batch]:
    from deltalake.exceptions import DeltaError

    try:
        yield from _collect(scan_delta(path), str(path), selection, rows)
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise bad_file_error("a Delta table", error, str(path)) from None


def _collect(scan: pl.LazyFrame, name: str, selection: ColumnSelection, rows: int) -> Iterator[Batch]:
    """The selected columns of a scan, in batches."""
    header = scan.collect_schema().names()
    names = resolve_names(header, name, selection)
    excluded = set(selection.excluded(names))
    columns = [pl.col(old).alias(new) for old, new in zip(header, names, strict=True) if new not in excluded]
    height = int(scan.select(pl.len()).collect().item())
    first_row = 0
    for frame in scan.select(columns).collect_batches(chunk_size=rows, engine="streaming"):
        yield Batch(frame, name, first_row, names, height)
        first_row += frame.height


def _read_delimited(plain: Path, name: str, selection: ColumnSelection, rows: int) -> Iterator[Batch]:
    table = DelimitedTable(plain, name, selection)
    first_row = 0
    for frame in table.batches(rows):
        yield Batch(frame, name, first_row, table.names, table.rows)
        first_row += frame.height


def _read_json_lines(plain: Path, name: str, selection: ColumnSelection, rows: int) -> Iterator[Batch]:
    first_row = 0
    for lines in _blocks(plain):
        try:
            block = pl.read_ndjson(io.BytesIO(lines), infer_schema_length=None)
        except pl.exceptions.PolarsError as error:
            raise find_bad_line(plain, name) or bad_file_error("JSON lines", error, name) from None
        names = resolve_names(block.columns, name, selection)
        for frame in select_columns(block, name, selection).iter_slices(rows):
            yield Batch(frame, name, first_row, names, None, may_omit_fields=True)
            first_row += frame.height


def _blocks(path: Path) -> Iterator[bytes]:
    """The content of the file in blocks of whole lines."""
    with path.open("rb") as file:
        while block := file.read(_BYTES_PER_BLOCK):
            lines = block + file.readline()
            if lines.strip():
                yield lines
