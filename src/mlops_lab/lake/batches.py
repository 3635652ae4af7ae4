"""A table of any size, some rows at a time: a file, a folder of files, or a Delta table, in the memory of one batch.

What is read is what `lake.sources` would read, batch by batch. Only JSON lines may differ: there a field that a line
leaves out is null.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from mlops_lab.lake.columns import Wanted, rename_frame, settle_names, settle_types
from mlops_lab.lake.delimited import DelimitedTable
from mlops_lab.lake.files import (
    DELIMITED,
    JSON_LINES,
    PARQUET,
    check_exists,
    check_files,
    check_kinds,
    damaged,
    file_changes,
    find_bad_line,
    is_delta,
    no_rows,
    opened,
    scan_delta,
    stamp,
)

ROWS_AT_ONCE = 25_000
"""So few that threads which take batches in turn end at about the same time."""
_BYTES_AT_ONCE = 8 * 2**20


class Batch(NamedTuple):
    """Some rows of the file `name`. `first`: the number, from 0, of the first one; `names`: all of the file's columns,
    wanted or not; `of`: how many rows it has, where that is known; `omits`: a column that is not there is null."""

    frame: pl.DataFrame
    name: str
    first: int
    names: list[str]
    of: int | None
    omits: bool = False


def read_batches(data: Path, *, wanted: Wanted, rows: int = ROWS_AT_ONCE) -> Generator[Batch]:
    """The rows of a file, of a folder of files (in the order of their names) or of a Delta table.

    InvalidInput as `read_data` has it. A file that is written to meanwhile is found out at its end.
    """
    check_exists(data)
    if is_delta(data):
        batches = _read_delta(data, wanted, rows)
    elif data.is_dir():
        batches = _read_folder(data, wanted, rows)
    else:
        batches = (batch for _, batch in _read_file(data, wanted, rows))
    empty = True
    for batch in batches:
        empty = False
        yield batch._replace(frame=settle_types(batch.frame, batch.name))
    if empty:
        raise no_rows(str(data))


def _read_folder(path: Path, wanted: Wanted, rows: int) -> Iterator[Batch]:
    kinds: dict[str, str] = {}
    for file in check_files(path):
        for kind, batch in _read_file(file, wanted, rows):
            kinds.setdefault(kind, file.name)
            check_kinds(path, kinds)
            yield batch._replace(of=None)


def _read_file(path: Path, wanted: Wanted, rows: int) -> Iterator[tuple[str, Batch]]:
    """The batches of a file, each with the file's kind."""
    before = stamp(path)
    with opened(path) as (kind, plain):
        read = {PARQUET: _read_parquet, JSON_LINES: _read_json_lines, DELIMITED: _read_delimited}[kind]
        for batch in read(plain, str(path), wanted, rows):
            if batch.frame.height:
                yield kind, batch
    if stamp(path) != before:
        raise file_changes(str(path))


def _read_parquet(plain: Path, name: str, wanted: Wanted, rows: int) -> Iterator[Batch]:
    try:
        yield from _collect(pl.scan_parquet(plain), name, wanted, rows)
    except pl.exceptions.PolarsError as error:
        raise damaged("Parquet", error, name) from None


def _read_delta(path: Path, wanted: Wanted, rows: int) -> Iterator[Batch]:
    from deltalake.exceptions import DeltaError

    try:
        yield from _collect(scan_delta(path), str(path), wanted, rows)
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise damaged("a Delta table", error, str(path)) from None


def _collect(scan: pl.LazyFrame, name: str, wanted: Wanted, rows: int) -> Iterator[Batch]:
    """The wanted columns of what a scan finds."""
    known = scan.collect_schema().names()
    names = settle_names(known, name, wanted)
    left_out = set(wanted.left_out(names))
    taken = [pl.col(old).alias(new) for old, new in zip(known, names, strict=True) if new not in left_out]
    height = int(scan.select(pl.len()).collect().item())
    first = 0
    for frame in scan.select(taken).collect_batches(chunk_size=rows, engine="streaming"):
        yield Batch(frame, name, first, names, height)
        first += frame.height


def _read_delimited(plain: Path, name: str, wanted: Wanted, rows: int) -> Iterator[Batch]:
    table = DelimitedTable(plain, name, wanted)
    first = 0
    for frame in table.batches(rows):
        yield Batch(frame, name, first, table.names, table.rows)
        first += frame.height


def _read_json_lines(plain: Path, name: str, wanted: Wanted, rows: int) -> Iterator[Batch]:
    first = 0
    for lines in _blocks(plain):
        try:
            found = pl.read_ndjson(io.BytesIO(lines), infer_schema_length=None)
        except pl.exceptions.PolarsError as error:
            raise find_bad_line(plain, name) or damaged("JSON lines", error, name) from None
        names = settle_names(found.columns, name, wanted)
        for frame in rename_frame(found, name, wanted).iter_slices(rows):
            yield Batch(frame, name, first, names, None, omits=True)
            first += frame.height


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in blocks of whole lines."""
    with path.open("rb") as file:
        while block := file.read(_BYTES_AT_ONCE):
            lines = block + file.readline()
            if lines.strip():
                yield lines
