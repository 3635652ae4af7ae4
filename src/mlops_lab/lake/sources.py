"""What `data = "..."` names, read into a frame: a file, a folder of files, a Delta table, or the answer to a query.

What a file is says its content: Parquet, JSON lines, or delimited text of whatever encoding, compressed or not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.lake.columns import Wanted, join_parts, rename_frame, settle_types
from mlops_lab.lake.delimited import read_delimited
from mlops_lab.lake.files import (
    DELIMITED,
    PARQUET,
    check_exists,
    check_files,
    check_kinds,
    damaged,
    file_changes,
    find_bad_line,
    is_delta,
    list_files,
    no_rows,
    opened,
    scan_delta,
    stamp,
)
from mlops_lab.lake.sql import is_uri, read_query

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
    check_exists(path)
    if is_delta(path):
        frame = rename_frame(_read_delta(path), name, wanted)
    elif path.is_dir():
        frame = _read_folder(path, wanted)
    else:
        frame = _read_file(path, wanted)[1]
    if not frame.height:
        raise no_rows(name)
    return settle_types(frame, name)


def read_still(stamped: Callable[[], object], read: Callable[[], pl.DataFrame], name: str) -> pl.DataFrame:
    """What `read` returns, if `stamped` says the same before and after it; tried twice."""
    for attempt in range(_TRIES):
        before = stamped()
        try:
            frame = read()
        except MlopsError:
            if stamped() == before or attempt + 1 == _TRIES:
                raise
            continue
        if stamped() == before:
            return frame
    raise file_changes(name)


def _read_folder(path: Path, wanted: Wanted) -> pl.DataFrame:
    """The rows of all files of a folder, in the order of their names."""

    def read() -> pl.DataFrame:
        parts: list[tuple[str, pl.DataFrame]] = []
        kinds: dict[str, str] = {}
        for file in check_files(path):
            kind, frame = _read_file(file, wanted)
            kinds.setdefault(kind, file.name)
            check_kinds(path, kinds)
            parts.append((str(file), frame))
        return join_parts(parts)

    return read_still(lambda: [(one, stamp(one)) for one in list_files(path)], read, str(path))


def _read_file(path: Path, wanted: Wanted) -> tuple[str, pl.DataFrame]:
    """The kind of a file, and its table."""
    kinds: list[str] = []

    def read() -> pl.DataFrame:
        with opened(path) as (kind, plain):
            kinds.append(kind)
            if kind == DELIMITED:
                return read_delimited(plain, str(path), wanted)
            read_plain = _read_parquet if kind == PARQUET else _read_json_lines
            return rename_frame(read_plain(plain, str(path)), str(path), wanted)

    frame = read_still(lambda: stamp(path), read, str(path))
    return kinds[-1], frame


def _read_parquet(path: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise damaged("Parquet", error, name) from None


def _read_json_lines(path: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_ndjson(path, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise find_bad_line(path, name) or damaged("JSON lines", error, name) from None


def _read_delta(path: Path) -> pl.DataFrame:
    from deltalake.exceptions import DeltaError

    try:
        return scan_delta(path).collect()
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise damaged("a Delta table", error, str(path)) from None
