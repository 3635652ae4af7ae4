"""Reads the data of `data = "..."` into a frame: a file, a folder of files, a Delta table, a file on a server, or
the result of a query.

The kind of a file is detected from its content: Parquet, JSON lines, or delimited text, in several encodings and
compressed or not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.lake.columns import ColumnSelection, concat_parts, normalize_types, select_columns
from mlops_lab.lake.delimited import read_delimited
from mlops_lab.lake.files import (
    DELIMITED,
    PARQUET,
    bad_file_error,
    check_exists,
    check_files,
    check_kinds,
    file_changed_error,
    file_stamp,
    file_stamps,
    find_bad_line,
    is_delta,
    no_rows_error,
    open_as_text_or_parquet,
    scan_delta,
)
from mlops_lab.lake.remote import downloaded, is_remote, mask_address
from mlops_lab.lake.sql import is_uri, read_query

_TRIES = 2
ALL_COLUMNS = ColumnSelection()


def read_data(
    data: str | Path,
    *,
    query: str | None = None,
    root: Path = Path(),
    selection: ColumnSelection = ALL_COLUMNS,
    cache: Path | None = None,
) -> pl.DataFrame:
    """The table that `data` names, a path being relative to `root`; with at least one row, and each column once.

    Columns are text where `selection` says so; the types of other columns in text files are guessed. NaN becomes null,
    decimals become floats, categories become text. Errors say what is wrong, where, and how to fix it, and never show a
    password. `cache`: the folder that keeps what was downloaded (`lake.remote`).
    """
    is_file = is_remote(str(data)) or not is_uri(str(data))
    if is_file and query is not None:
        hint = 'set data to a database, such as data = "sqlite:///file.db", or remove the query'
        raise InvalidInput(
            "is a file, and only a database can have a query",
            code="no_database",
            where=mask_address(str(data)),
            hint=hint,
        )
    if is_remote(str(data)):
        with downloaded(str(data), cache=cache) as copy:
            return read_data(copy, selection=selection)
    if not is_file:
        frame = read_query(str(data), query, root=root)
        return normalize_types(select_columns(frame, "the query", selection), "the query", selection.options.na)
    path, name = root / data, str(root / data)
    check_exists(path)
    if is_delta(path):
        frame = select_columns(_read_delta(path), name, selection)
    elif path.is_dir():
        frame = _read_folder(path, selection)
    else:
        frame = read_file(path, selection)[1]
    if not frame.height:
        raise no_rows_error(name)
    return normalize_types(frame, name, selection.options.na)


def read_unchanged(stamp: Callable[[], object], read: Callable[[], pl.DataFrame], name: str) -> pl.DataFrame:
    """The result of `read`, if `stamp` returns the same before and after it. Tried twice, then InvalidInput."""
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
    raise file_changed_error(name)


def _read_folder(path: Path, selection: ColumnSelection) -> pl.DataFrame:
    """The rows of all files of a folder, in the order of their names."""

    def read() -> pl.DataFrame:
        parts: list[tuple[str, pl.DataFrame]] = []
        kinds: dict[str, str] = {}
        for file in check_files(path):
            kind, frame = read_file(file, selection)
            kinds.setdefault(kind, file.name)
            check_kinds(path, kinds)
            parts.append((str(file), frame))
        return concat_parts(parts)

    return read_unchanged(lambda: file_stamps(path), read, str(path))


def read_file(path: Path, selection: ColumnSelection) -> tuple[str, pl.DataFrame]:
    """The kind of a file, and its table."""
    kinds: list[str] = []

    def read() -> pl.DataFrame:
        with open_as_text_or_parquet(path, selection.options) as (kind, plain):
            kinds.append(kind)
            if kind == DELIMITED:
                return read_delimited(plain, str(path), selection)
            read_plain = _read_parquet if kind == PARQUET else _read_json_lines
            return select_columns(read_plain(plain, str(path)), str(path), selection)

    frame = read_unchanged(lambda: file_stamp(path), read, str(path))
    return kinds[-1], frame


def _read_parquet(path: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False)
    except pl.exceptions.PolarsError as error:
        raise bad_file_error("Parquet", error, name) from None


def _read_json_lines(path: Path, name: str) -> pl.DataFrame:
    try:
        with path.open("rb") as file:  # a path would be a pattern
            return pl.read_ndjson(file, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise find_bad_line(path, name) or bad_file_error("JSON lines", error, name) from None


def _read_delta(path: Path) -> pl.DataFrame:
    from deltalake.exceptions import DeltaError

    try:
        return scan_delta(path).collect()
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise bad_file_error("a Delta table", error, str(path)) from None
