"""Files and folders that hold a table: what they are, said by their content, and what is wrong with them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import polars as pl

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lake.plaintext import as_utf8
from mlops_lab.lake.unpack import unpacked

PARQUET, JSON_LINES, DELIMITED = "Parquet", "JSON lines", "delimited text"
_OTHERS = {b"ARROW1": "an Arrow file", b"SQLite format 3": "a SQLite database", b"\xd0\xcf\x11\xe0": "a workbook"}


def check_exists(path: Path) -> None:
    """NotFound where there is nothing."""
    if not path.exists():
        raise NotFound("does not exist", code="no_file", where=str(path), hint="check the path")


def is_delta(path: Path) -> bool:
    """Whether the folder is a Delta table."""
    return (path / "_delta_log").is_dir()


def scan_delta(path: Path) -> pl.LazyFrame:
    """The table's rows, file by file."""
    name = str(path.resolve())
    if quote(name) == name:
        return pl.scan_delta(name)
    from deltalake import DeltaTable

    # Polars does not find files below a folder with a space, or a letter beyond ASCII, in its name
    return pl.scan_pyarrow_dataset(DeltaTable(name).to_pyarrow_dataset())


def list_files(path: Path) -> list[Path]:
    """What a folder holds, by name. Hidden files, and those with a _, do not count."""
    return sorted(one for one in path.iterdir() if not one.name.startswith((".", "_")))


def check_files(path: Path) -> list[Path]:
    """The files of a folder; InvalidInput where it holds none, or a folder."""
    files = list_files(path)
    if not files:
        raise InvalidInput("holds no files", code="empty_folder", where=str(path), hint="check the path")
    if inner := [one.name for one in files if one.is_dir()]:
        what = f'holds the folder "{inner[0]}"'
        raise InvalidInput(what, code="nested_folder", where=str(path), hint="name a folder of files only")
    return files


def check_kinds(path: Path, kinds: Mapping[str, str]) -> None:
    """InvalidInput where a folder holds files of several kinds; `kinds` names a file of each."""
    if len(kinds) > 1:
        told = ", ".join(f"{one} ({kind})" for kind, one in kinds.items())
        hint = "keep files of one format in a folder, and nothing else"
        raise InvalidInput(f"holds {told}", code="mixed_formats", where=str(path), hint=hint)


def stamp(path: Path) -> tuple[int, int, int]:
    """What changes when somebody writes a file: its size, the moment of the last write, and which file it is."""
    known = path.stat()
    return known.st_size, known.st_mtime_ns, known.st_ino


@contextmanager
def opened(path: Path) -> Iterator[tuple[str, Path]]:
    """The kind of a file (see the names above), and where its content lies unpacked, text as UTF-8."""
    name = str(path)
    try:
        with unpacked(path) as plain:
            with plain.open("rb") as file:
                head = file.read(4096)
            if not head.strip(b"\xef\xbb\xbf \t\r\n"):
                hint = "check that it was written to the end"
                raise InvalidInput("is empty", code="empty_file", where=name, hint=hint)
            if head.startswith((b"PAR1", b"PARE")) or path.suffix == ".parquet":
                yield PARQUET, plain
                return
            for magic, what in _OTHERS.items():
                if head.startswith(magic):
                    hint = 'write Parquet or CSV; a database is named as data = "sqlite:///file.db", with a query'
                    raise InvalidInput(f"is {what}", code="unknown_format", where=name, hint=hint)
            with tempfile.TemporaryDirectory(prefix="mlops-") as folder:
                text = as_utf8(plain, name, Path(folder) / "utf-8")
                yield _kind_of_text(head, name), text
    except PermissionError:
        hint = "check its owner and permissions"
        raise InvalidInput("may not be read", code="no_permission", where=name, hint=hint) from None


def _kind_of_text(head: bytes, name: str) -> str:
    first = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
    if first == b"[" and name.endswith((".json", ".jsonl", ".ndjson")):
        hint = "write one object a line: jq -c '.[]' FILE"
        raise InvalidInput("is one JSON array, not JSON lines", code="unknown_format", where=name, hint=hint)
    return JSON_LINES if first == b"{" else DELIMITED


def find_bad_line(path: Path, name: str) -> InvalidInput | None:
    """The error about the first line that is no JSON object."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip() and not isinstance(json.loads(line), dict):
                    raise ValueError("is no object")
            except ValueError as error:
                return InvalidInput(
                    f"is not a JSON object: {error}",
                    code="bad_file",
                    where=f"{name}, line {number}",
                    hint='each line is one object such as {"a": 1, "b": "x"}',
                )
    return None


def damaged(kind: str, error: Exception, name: str) -> InvalidInput:
    """The error about a file that is not what it seems to be."""
    return InvalidInput(
        f"cannot be read as {kind}: {str(error).splitlines()[0]}",
        code="bad_file",
        where=name,
        hint="check that it is complete, or fetch it again",
    )


def no_rows(name: str) -> InvalidInput:
    """The error about data without rows."""
    hint = "check that it was written to the end"
    return InvalidInput("holds no rows", code="no_rows", where=name, hint=hint)


def file_changes(name: str) -> InvalidInput:
    """The error about data that somebody is writing."""
    return InvalidInput(
        "changes while it is read",
        code="file_changes",
        where=name,
        hint="wait until it is written; best write under another name, then rename",
    )
