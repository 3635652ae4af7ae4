"""Files and folders with a table: their kind, which is detected from the content, and the errors about them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import polars as pl
from polars.io.plugins import register_io_source

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.files import check_path
from mlops_lab.lake.blanks import squeeze_blanks
from mlops_lab.lake.conversions import ARROW, JSON_ARRAY, WORKBOOK, convert_to_parquet
from mlops_lab.lake.decompress import decompressed
from mlops_lab.lake.drawn import undraw
from mlops_lab.lake.read_options import DETECT, ReadOptions
from mlops_lab.lake.scratch import scratch_folder
from mlops_lab.lake.text_encoding import as_utf8

PARQUET, JSON_LINES, DELIMITED = "Parquet", "JSON lines", "delimited text"
_UNSUPPORTED = {b"SQLite format 3": "a SQLite database"}
_CONVERTED = {b"ARROW1": ARROW, b"PK\x03\x04": WORKBOOK, b"\xd0\xcf\x11\xe0": WORKBOOK}


def check_exists(path: Path) -> None:
    """NotFound where there is no such file or folder."""
    if not path.exists():
        raise NotFound("does not exist", code="no_file", where=str(path), hint="check the path")


def is_delta(path: Path) -> bool:
    """Whether the folder is a Delta table."""
    return (path / "_delta_log").is_dir()


def scan_delta(path: Path) -> pl.LazyFrame:
    """The rows of a Delta table, not read yet."""
    check_path(path.resolve())
    name = str(path.resolve())
    if quote(name) == name:
        return pl.scan_delta(name)
    return _scan_batches(name)


def _scan_batches(name: str) -> pl.LazyFrame:
    """The same of a folder with a space or a non-ASCII letter in its name, in which Polars does not find the files."""
    from deltalake import DeltaTable

    table = DeltaTable(name)
    schema = pl.DataFrame(table.schema().to_arrow().empty_table()).schema

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        for batch in table.scan(columns=columns if predicate is None else None):
            frame = pl.DataFrame(batch)
            frame = frame if predicate is None else frame.filter(predicate).select(columns or list(schema))
            yield frame if rows is None else frame.head(rows)
            if rows is not None and (rows := rows - frame.height) <= 0:
                return

    return register_io_source(read, schema=schema)


def list_files(path: Path) -> list[Path]:
    """The files of a folder, sorted by name. Hidden files, and those that begin with _, do not count."""
    return sorted(file for file in path.iterdir() if not file.name.startswith((".", "_")))


def check_files(path: Path) -> list[Path]:
    """The files of a folder; InvalidInput where it has no files, or contains a folder."""
    files = list_files(path)
    if not files:
        raise InvalidInput("contains no files", code="empty_folder", where=str(path), hint="check the path")
    if folders := [file.name for file in files if file.is_dir()]:
        what = f'contains the folder "{folders[0]}"'
        raise InvalidInput(what, code="nested_folder", where=str(path), hint="name a folder that contains only files")
    return files


def check_kinds(path: Path, kinds: Mapping[str, str]) -> None:
    """InvalidInput where a folder contains files of several kinds; `kinds` has the name of a file of each."""
    if len(kinds) > 1:
        examples = ", ".join(f"{file} ({kind})" for kind, file in kinds.items())
        hint = "a folder must contain files of one format only"
        raise InvalidInput(f"contains {examples}", code="mixed_formats", where=str(path), hint=hint)


def file_stamp(path: Path) -> tuple[int, int, int]:
    """The size, last write time and inode of a file: at least one of them changes when it is written."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def file_stamps(path: Path) -> list[tuple[Path, tuple[int, int, int]]]:
    """The stamp of a file, or of each file of a folder."""
    return [(file, file_stamp(file)) for file in (list_files(path) if path.is_dir() else [path])]


@contextmanager
def open_as_text_or_parquet(path: Path, options: ReadOptions = DETECT) -> Iterator[tuple[str, Path]]:
    """The kind of a file (see the names above), and the path of its content: decompressed, and text as UTF-8."""
    name = str(path)
    try:
        with decompressed(path) as plain:
            with plain.open("rb") as file:
                head = file.read(4096)
            if not head.strip(b"\xef\xbb\xbf \t\r\n"):
                hint = "check that it was written completely"
                raise InvalidInput("is empty", code="empty_file", where=name, hint=hint)
            if head.startswith((b"PAR1", b"PARE")) or path.suffix == ".parquet":
                yield PARQUET, plain
                return
            converted = next((kind for magic, kind in _CONVERTED.items() if head.startswith(magic)), None)
            for magic, what in _UNSUPPORTED.items():
                if head.startswith(magic):
                    hint = 'write Parquet or CSV; a database is named as data = "sqlite:///file.db", with a query'
                    raise InvalidInput(f"is {what}", code="unknown_format", where=name, hint=hint)
            with scratch_folder() as folder:
                target = folder / "parquet"
                if converted is not None:
                    yield PARQUET, convert_to_parquet(converted, plain, name, target, sheet=options.sheet)
                    return
                text = as_utf8(plain, name, folder / "utf-8", declared=options.encoding)
                kind = _kind_of_text(text)
                if kind == JSON_ARRAY:
                    kind, text = PARQUET, convert_to_parquet(kind, text, name, target, sheet=None)
                if kind == DELIMITED:
                    text = undraw(text, folder / "undrawn", name)
                    text = squeeze_blanks(text, folder / "squeezed")
                yield kind, text
    except PermissionError:
        hint = "check its owner and permissions"
        raise InvalidInput("permission denied", code="no_permission", where=name, hint=hint) from None


def _kind_of_text(text: Path) -> str:
    with text.open(encoding="utf-8-sig") as file:
        head = file.read(4096).lstrip()
    if re.match(r"\[\s*\{", head):
        return JSON_ARRAY
    return JSON_LINES if head.startswith("{") else DELIMITED


def find_bad_line(path: Path, name: str) -> InvalidInput | None:
    """The error about the first line that is not a JSON object; None where all lines are."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip() and not isinstance(json.loads(line), dict):
                    raise ValueError("not an object")
            except ValueError as error:
                return InvalidInput(
                    f"is not a JSON object: {error}",
                    code="bad_file",
                    where=f"{name}, line {number}",
                    hint='each line must be one object, such as {"a": 1, "b": "x"}',
                )
    return None


def bad_file_error(kind: str, error: Exception, name: str) -> InvalidInput:
    """The error about a file that cannot be read as the kind that it seems to be."""
    return InvalidInput(
        f"cannot be read as {kind}: {str(error).splitlines()[0]}",
        code="bad_file",
        where=name,
        hint="check that it is complete, or download it again",
    )


def no_rows_error(name: str) -> InvalidInput:
    """The error about data without rows."""
    hint = "check that it was written completely"
    return InvalidInput("has no rows", code="no_rows", where=name, hint=hint)


def file_changed_error(name: str) -> InvalidInput:
    """The error about data that is being written."""
    return InvalidInput(
        "changed while it was read",
        code="file_changes",
        where=name,
        hint="wait until it is written; or write it under another name and rename it afterwards",
    )
