"""Rows with a number, which tells those of one moment apart: the lake gives rows back in no certain order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.tables.table import Table

NUMBER = "number"


def append_numbered(table: Table, lake: Lake, rows: Sequence[dict[str, Any]]) -> None:
    """Append the rows with the numbers after the last; nothing where there are none. Where another process appends at
    the same time, its rows come first."""
    is_written = not rows
    while not is_written:
        last = table.position(lake, table.name)
        numbered = [{NUMBER: number, **row} for number, row in enumerate(rows, start=last + 1)]
        frame = pl.DataFrame(numbered, schema=table.fixed_schema)
        is_written = table.append(lake, frame, position=(table.name, last + len(rows)))


def read_numbered(table: Table, lake: Lake) -> list[dict[str, Any]]:
    """All rows without their numbers, by time, those of one moment as they were appended."""
    if not table.exists(lake):
        return []
    columns = [name for name in table.fixed_schema if name != NUMBER]
    return table.read(lake).sort(table.time, NUMBER).select(columns).to_dicts()
