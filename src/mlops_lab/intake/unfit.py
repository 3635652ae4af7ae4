"""Records of the journal that cannot become rows: they are set aside with all that they hold, and the others go on.

A frame that cannot be read was damaged, or written by another version. A record that can be read may still hold what no
column of its table can: one such value would make the whole table unreadable.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake.journal_faults import JOURNAL, UNREADABLE, set_piece_aside
from mlops_lab.journal.records import FactRecord, Record, SetAsideRecord, decode_frame
from mlops_lab.journal.segments import read_pieces
from mlops_lab.project import Project
from mlops_lab.project.declaration import LOOP_TABLES
from mlops_lab.schemas.casts import MOMENT

_DTYPES = (pl.String, pl.Int64, pl.Float64, pl.Boolean, MOMENT, pl.List(pl.Float64))
_UNFIT = (KeyError, TypeError, ValueError, OverflowError, pl.exceptions.PolarsError)
Types = Mapping[str, Sequence[pl.DataType]]
"""By column, the types that it may have."""


def read_records(path: Path, since: int) -> Iterator[tuple[int, Record]]:
    """The records of a journal after a position, each with the position after its frame; what is damaged, and a frame
    that cannot be read, is a `SetAsideRecord` with its bytes."""
    for piece in read_pieces(path, since):
        for record in set_piece_aside(piece) if piece.is_damaged else _decode(piece.payload):
            yield piece.end, record


def _decode(payload: bytes) -> list[Record]:
    try:
        return decode_frame(payload)
    except EnvironmentFault as error:
        content = msgspec.json.encode({"frame": base64.b64encode(payload).decode()}).decode()
        return [SetAsideRecord(clock.now(), JOURNAL, UNREADABLE, "", error.what, content)]


def has_table(project: Project, record: FactRecord) -> bool:
    """Whether the row belongs to a table: one that is declared, or was once."""
    tables = project.settings.tables
    is_name = re.fullmatch(r"[^\W_][\w .-]*", record.table) and record.table not in LOOP_TABLES
    return record.table in tables or bool(is_name)


def make_rows(
    items: Sequence[Any],
    to_frame: Callable[[list[Any]], pl.DataFrame],
    *,
    types: Types,
    required: Collection[str] = (),
) -> tuple[list[Any], pl.DataFrame, list[tuple[Any, str]]]:
    """The items that can be rows, their rows, and the other items, each with the reason.

    In the columns named in `required` no row may be null.
    """
    try:
        return list(items), _checked(to_frame(list(items)), types, required), []
    except _UNFIT:
        fit, unfit = [], []
        for item in items:
            try:
                _checked(to_frame([item]), types, required)
                fit.append(item)
            except _UNFIT as error:
                unfit.append((item, str(error).splitlines()[0] if str(error) else type(error).__name__))
        if not unfit:  # each is a row by itself: it is not the items that are wrong
            raise
        return fit, _checked(to_frame(fit), types, required), unfit


def set_record_aside(record: Record, table: str, reason: str) -> SetAsideRecord:
    """The record as one that is set aside: a row of a table as that row, any other as a whole."""
    content = record.row if isinstance(record, FactRecord) else record
    return SetAsideRecord(clock.now(), table, "unfit", "", reason, msgspec.json.encode(content).decode())


def _checked(frame: pl.DataFrame, types: Types, required: Collection[str]) -> pl.DataFrame:
    """The rows; ValueError where a column has a type, or a null, that it may not have."""
    for column in frame.iter_columns():
        allowed = types.get(column.name, _DTYPES)
        if column.dtype not in allowed and column.null_count() < len(column):
            raise ValueError(f"{column.name} is a {column.dtype}")
        if column.name in required and column.null_count():
            raise ValueError(f"{column.name} is null")
    return frame
