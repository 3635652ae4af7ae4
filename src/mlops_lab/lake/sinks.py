"""Writes a table batch by batch: Parquet, CSV, or a Delta table. It appears complete, or not at all.

While it is written, it is a hidden file or folder beside the target whose name ends in `.part`; a killed run leaves it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput
from mlops_lab.files import check_path
from mlops_lab.ids import new_id

CSV, PARQUET, DELTA = "csv", "parquet", "delta"
FORMATS = (CSV, PARQUET, DELTA)
Write = Callable[[pl.DataFrame], None]
"""Writes one batch."""


def choose_format(path: Path, requested: str | None) -> str:
    """The format to write: the requested one, else that of the suffix. InvalidInput where it is not supported."""
    format = path.suffix.removeprefix(".") if requested is None else requested
    if format in FORMATS:
        return format
    what = f'"{requested}" is not a known format' if requested else f'"{path.suffix}" files cannot be written'
    hint = "use .csv, .parquet or .delta, or set --format"
    raise InvalidInput(what, code="unknown_format", where="--format" if requested else "--out", hint=hint)


def check_target(path: Path, format: str, *, overwrite: bool) -> None:
    """InvalidInput where a table cannot be written to this path."""
    if format == DELTA:
        check_path(path)
    if not path.parent.is_dir():
        hint = "create it first, or check the path"
        raise InvalidInput("there is no such folder", code="no_folder", where=str(path.parent), hint=hint)
    if not path.exists() or (format == DELTA and path.is_dir() and not any(path.iterdir())):
        return
    if format == DELTA and not (path / "_delta_log").is_dir():
        hint = "choose another folder: this one contains something else, which is not deleted"
        raise InvalidInput("is not a Delta table", code="output_exists", where=str(path), hint=hint)
    if format != DELTA and path.is_dir():
        hint = f"choose a file, or write a Delta table: --format {DELTA}"
        raise InvalidInput("is a folder", code="output_exists", where=str(path), hint=hint)
    if not overwrite:
        raise Conflict("already exists", code="output_exists", where=str(path), hint="--overwrite replaces it")


@contextmanager
def open_sink(path: Path, format: str, *, overwrite: bool = False) -> Iterator[Write]:
    """A function that writes one batch; the table is at `path` when the block ends without an error.

    All batches must have the same columns. An existing Delta table gets a new version; its old versions can still be
    read.
    """
    path = path.resolve()
    check_target(path, format, overwrite=overwrite)
    part = path.with_name(f".{path.name}.{new_id()[:8]}.part")
    try:
        with (_write_csv if format == CSV else _write_parquet)(part) as write:
            yield write
        check_target(path, format, overwrite=overwrite)
        if format == DELTA:
            _commit(part, path)
        else:
            part.replace(path)
    except OSError as error:
        raise _disk_error(error, path) from error
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
    """The batches are kept in a folder until there are all: Polars writes a Parquet file in one go."""
    folder = part.with_suffix(".batches.part")
    folder.mkdir()
    names: list[Path] = []

    def write(batch: pl.DataFrame) -> None:
        names.append(folder / f"{len(names)}.arrow")
        batch.write_ipc(names[-1], compression="lz4")

    try:
        yield write
        if names:
            pl.scan_ipc(names, glob=False).sink_parquet(part, compression="zstd")
        with part.open("ab") as file:
            os.fsync(file.fileno())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _commit(part: Path, path: Path) -> None:
    """Make the written file a Delta table, or a new version of the one that exists."""
    from deltalake import write_deltalake
    from deltalake.exceptions import DeltaError

    rows = pl.scan_parquet(part, glob=False).collect_batches()
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
        message = str(error).splitlines()[0]
        hint = "check that the disk has space and the folder is writable, then run it again"
        raise EnvironmentFault(message, code="disk_fault", where=str(path), hint=hint) from error


def _disk_error(error: OSError, path: Path) -> EnvironmentFault:
    full = error.errno in {28, 122}
    return EnvironmentFault(
        "the disk is full" if full else f"cannot be written: {error.strerror or error}",
        code="disk_full" if full else "disk_fault",
        where=str(path),
        hint="free some space and run it again: no incomplete file was left"
        if full
        else "make the folder writable, or choose another one",
    )
