"""What `data = "..."` names, read into a frame: a file, a folder of files, a Delta table, or the answer to a query.

What a file is says its content: Parquet, JSON lines, or delimited text of whatever encoding, compressed or not.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from mlops_lab.errors import InvalidInput, MlopsError, NotFound
from mlops_lab.lake.columns import Wanted, join_parts, rename_frame, settle_types
from mlops_lab.lake.delimited import read_delimited
from mlops_lab.lake.plaintext import as_utf8
from mlops_lab.lake.sql import is_uri, read_query
from mlops_lab.lake.unpack import unpacked

_OTHERS = {b"ARROW1": "an Arrow file", b"SQLite format 3": "a SQLite database", b"\xd0\xcf\x11\xe0": "a workbook"}
_TRIES = 2
ANYTHING = Wanted()


def read_data(
    data: str | Path, *, query: str | None = None, root: Path = Path(), wanted: Wanted = ANYTHING
) -> pl.DataFrame:
    """The table that `data`, seen from `root`, names; with at least one row, and each column once.

    Text is text where `wanted` says so; other columns of text files are what they look like. NaN is null, decimals
    are floats, categories are text. Any error says what is wrong, where, and how to mend it; none shows a password.
    """
    if is_uri(str(data)):
        frame = read_query(str(data), query, root=root)
        return settle_types(rename_frame(frame, "the query", wanted), "the query")
    if query is not None:
        hint = 'name a database: data = "sqlite:///file.db"; or leave the query out'
        raise InvalidInput("is a file, and files are not queried", code="no_database", where=str(data), hint=hint)
    path, name = root / data, str(root / data)
    if not path.exists():
        raise NotFound("does not exist", code="no_file", where=name, hint="check the path")
    if (path / "_delta_log").is_dir():
        frame = rename_frame(_read_delta(path), name, wanted)
    elif path.is_dir():
        frame = _read_folder(path, wanted)
    else:
        frame = _read_file(path, wanted)[1]
    if not frame.height:
        hint = "check that it was written to the end"
        raise InvalidInput("holds no rows", code="no_rows", where=name, hint=hint)
    return settle_types(frame, name)


def read_still(stamp: Callable[[], object], read: Callable[[], pl.DataFrame], name: str) -> pl.DataFrame:
    """What `read` returns, if `stamp` says the same before and after it; tried twice."""
    for attempt in range(_TRIES):
        before = stamp()
        try:
            frame = read()
        except MlopsError:
            if stamp() == before or attempt + 1 == _TRIES:
                raise
            continue
        if stamp() == before:
            return frame
    raise InvalidInput(
        "changes while it is read",
        code="file_changes",
        where=name,
        hint="wait until it is written; best write under another name, then rename",
    )


def _read_folder(path: Path, wanted: Wanted) -> pl.DataFrame:
    """The rows of all files of a folder, in the order of their names. Hidden ones, and those with a _, do not count."""

    def list_files() -> list[Path]:
        return sorted(one for one in path.iterdir() if not one.name.startswith((".", "_")))

    def read() -> pl.DataFrame:
        files = list_files()
        if not files:
            raise InvalidInput("holds no files", code="empty_folder", where=str(path), hint="check the path")
        if inner := [one.name for one in files if one.is_dir()]:
            what = f'holds the folder "{inner[0]}"'
            raise InvalidInput(what, code="nested_folder", where=str(path), hint="name a folder of files only")
        parts: list[tuple[str, pl.DataFrame]] = []
        kinds: dict[str, str] = {}
        for file in files:
            kind, frame = _read_file(file, wanted)
            kinds.setdefault(kind, file.name)
            if len(kinds) > 1:
                told = ", ".join(f"{one} ({kind})" for kind, one in kinds.items())
                hint = "keep files of one format in a folder, and nothing else"
                raise InvalidInput(f"holds {told}", code="mixed_formats", where=str(path), hint=hint)
            parts.append((str(file), frame))
        return join_parts(parts)

    return read_still(lambda: [(one, _stamp(one)) for one in list_files()], read, str(path))


def _read_file(path: Path, wanted: Wanted) -> tuple[str, pl.DataFrame]:
    """The kind of a file, and its table."""
    kinds: list[str] = []

    def read() -> pl.DataFrame:
        with unpacked(path) as plain:
            kind, frame = _read_plain(plain, path, wanted)
        kinds.append(kind)
        return frame

    try:
        frame = read_still(lambda: _stamp(path), read, str(path))
    except PermissionError:
        hint = "check its owner and permissions"
        raise InvalidInput("may not be read", code="no_permission", where=str(path), hint=hint) from None
    return kinds[-1], frame


def _stamp(path: Path) -> tuple[int, int, int]:
    known = path.stat()
    return known.st_size, known.st_mtime_ns, known.st_ino


def _read_plain(plain: Path, path: Path, wanted: Wanted) -> tuple[str, pl.DataFrame]:
    name = str(path)
    with plain.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise InvalidInput("is empty", code="empty_file", where=name, hint="check that it was written to the end")
    if head.startswith((b"PAR1", b"PARE")) or path.suffix == ".parquet":
        return "Parquet", rename_frame(_read_parquet(plain, name), name, wanted)
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            hint = 'write Parquet or CSV; a database is named as data = "sqlite:///file.db", with a query'
            raise InvalidInput(f"is {what}", code="unknown_format", where=name, hint=hint)
    with tempfile.TemporaryDirectory(prefix="mlops-") as folder:
        text = as_utf8(plain, name, Path(folder) / "utf-8")
        return _read_text(text, head, name, wanted)


def _read_text(text: Path, head: bytes, name: str, wanted: Wanted) -> tuple[str, pl.DataFrame]:
    first = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
    if first == b"[" and name.endswith((".json", ".jsonl", ".ndjson")):
        hint = "write one object a line: jq -c '.[]' FILE"
        raise InvalidInput("is one JSON array, not JSON lines", code="unknown_format", where=name, hint=hint)
    if first == b"{":
        return "JSON lines", rename_frame(_read_json_lines(text, name), name, wanted)
    return "delimited text", read_delimited(text, name, wanted)


def _read_parquet(path: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise _damaged("Parquet", error, name) from None


def _read_json_lines(path: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_ndjson(path, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise _find_bad_line(path, name) or _damaged("JSON lines", error, name) from None


def _find_bad_line(path: Path, name: str) -> InvalidInput | None:
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


def _read_delta(path: Path) -> pl.DataFrame:
    from deltalake.exceptions import DeltaError

    try:
        return pl.read_delta(str(path))
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise _damaged("a Delta table", error, str(path)) from None


def _damaged(kind: str, error: Exception, name: str) -> InvalidInput:
    return InvalidInput(
        f"cannot be read as {kind}: {str(error).splitlines()[0]}",
        code="bad_file",
        where=name,
        hint="check that it is complete, or fetch it again",
    )
