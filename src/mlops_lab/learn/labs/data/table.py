"""Rows that were prepared when a lab was made, and lie in its folder: flights, or a table of the learner."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.learn.labs.data.cases import Case
from mlops_lab.learn.labs.data.layout import Layout

_LAYOUT, _ROWS = "layout.json", "rows.parquet"


class TableData:
    """Rows with all columns of the layout."""

    def __init__(self, layout: Layout, rows: pl.DataFrame) -> None:
        self.layout = layout
        self.rows = rows.sort(layout.time, layout.id)

    def cases(self, first: int, days: int) -> list[Case]:
        """The rows of some days."""
        begin = self.layout.day(first)
        day = pl.col(self.layout.time).dt.date()
        found = self.rows.filter(day >= begin, day < begin + timedelta(days=days))
        return [Case(row, self.layout) for row in found.iter_rows(named=True)]

    def hidden(self, first: int, days: int) -> list[Case]:
        """The rows of these days: there are no others. A lab asks for days that it has not handed out."""
        return self.cases(first, days)


def write_table(folder: Path, data: TableData) -> None:
    """Keep the rows and what they look like, for the checks."""
    folder.mkdir(parents=True)
    (folder / _LAYOUT).write_bytes(msgspec.json.format(msgspec.json.encode(data.layout)) + b"\n")
    data.rows.write_parquet(folder / _ROWS)


def read_table(folder: Path) -> TableData:
    """What `write_table` kept; InvalidInput where it cannot be read any more."""
    try:
        layout = msgspec.json.decode((folder / _LAYOUT).read_bytes(), type=Layout)
        return TableData(layout, pl.read_parquet(folder / _ROWS))
    except (OSError, msgspec.MsgspecError, pl.exceptions.PolarsError) as error:
        what = f"the data of the lab cannot be read: {error}"
        hint = "start the lab again in another folder"
        raise InvalidInput(what, code="bad_lab", where=str(folder), hint=hint) from error
