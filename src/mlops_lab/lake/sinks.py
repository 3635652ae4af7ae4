"""A table written as it comes, batch by batch: Parquet, CSV, or a Delta table. It is there whole, or not at all.

What is under way lies beside the target, under a hidden name that ends in `.part`; a killed run leaves that behind.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput
from mlops_lab.ids import new_id

if TYPE_CHECKING:
    import pyarrow.parquet as pq

CSV, PARQUET, DELTA = "csv", "parquet", "delta"
KINDS = (CSV, PARQUET, DELTA)
Write = Callable[[pl.DataFrame], None]


def kind_of(path: Path, said: str | None) -> str:
    """What to write: what was said, else what the suffix says. InvalidInput where neither is a kind of table."""
    kind = path.suffix.removeprefix(".") if said is None else said
    if kind in KINDS:
        return kind
    what = f'"{said}" is no format' if said else f'"{path.suffix}" files cannot be written'
    hint = "use .csv, .parquet or .delta, or say --format"
    raise InvalidInput(what, code="unknown_format", where="--format" if said else "--out", hint=hint)


def check_target(path: Path, kind: str, *, overwrite: bool) -> None:
    """InvalidInput where a table may not be written there."""
    if not path.parent.is_dir():
        hint = "make it first, or check the path"
        raise InvalidInput("there is no such folder", code="no_folder", where=str(path.parent), hint=hint)
    if not path.exists() or (kind == DELTA and path.is_dir() and not any(path.iterdir())):
        return
    if kind == DELTA and not (path / "_delta_log").is_dir():
        hint = "name another folder: what is there is no Delta table, and stays"
        raise InvalidInput("is no Delta table", code="output_exists", where=str(path), hint=hint)
    if kind != DELTA and path.is_dir():
        hint = f"name a file, or write a Delta table: --format {DELTA}"
        raise InvalidInput("is a folder", code="output_exists", where=str(path), hint=hint)
    if not overwrite:
        raise Conflict("is there already", code="output_exists", where=str(path), hint="--overwrite replaces it")


@contextmanager
def open_sink(path: Path, kind: str, *, overwrite: bool = False) -> Iterator[Write]:
    """Takes the batches of a table, all of the same columns; it is at `path` when the block ends without an error.

    An existing Delta table gets a new version, so that its old ones can still be read.
    """
    path = path.resolve()
    check_target(path, kind, overwrite=overwrite)
    part = path.with_name(f".{path.name}.{new_id()[:8]}.part")
    try:
        with (_write_csv if kind == CSV else _write_parquet)(part) as write:
            yield write
        check_target(path, kind, overwrite=overwrite)
        if kind == DELTA:
            _commit(part, path)
        else:
            part.replace(path)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _write_csv(part: Path) -> Iterator[Write]:
    with part.open("wb") as file:
        yield lambda batch: batch.write_csv(file, include_header=file.tell() == 0)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _write_parquet(part: Path) -> Iterator[Write]:
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None

    def write(batch: pl.DataFrame) -> None:
        nonlocal writer
        table = batch.to_arrow(compat_level=pl.CompatLevel.oldest())
        if writer is None:
            # a dictionary of values that hardly repeat, as those of ids, costs time and saves nothing
            repeating = [column.name for column in batch.iter_columns() if column.n_unique() < batch.height / 2]
            writer = pq.ParquetWriter(file, table.schema, compression="zstd", use_dictionary=repeating)
        writer.write_table(table)

    with part.open("wb") as file:
        try:
            yield write
        finally:
            if writer is not None:
                writer.close()
        file.flush()
        os.fsync(file.fileno())


def _commit(part: Path, path: Path) -> None:
    """Make a Delta table of what was written: a new one appears with its first version in it."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from deltalake import write_deltalake
    from deltalake.exceptions import DeltaError

    file = pq.ParquetFile(part)
    rows = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches())
    try:
        if path.exists() and any(path.iterdir()):
            write_deltalake(str(path), rows, mode="overwrite", schema_mode="overwrite")
            return
        fresh = part.with_suffix(".delta.part")
        try:
            write_deltalake(str(fresh), rows)
            fresh.rename(path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except DeltaError as error:
        said = str(error).splitlines()[0]
        hint = "check that the disk has space and the folder is writable, then run it again"
        raise EnvironmentFault(said, code="disk_fault", where=str(path), hint=hint) from error


def _explain(error: OSError, path: Path) -> EnvironmentFault:
    full = error.errno in {28, 122}
    return EnvironmentFault(
        "the disk is full" if full else f"cannot be written: {error.strerror or error}",
        code="disk_full" if full else "disk_fault",
        where=str(path),
        hint="free some space: nothing was half-written" if full else "make the folder writable, or name another one",
    )
