"""The rows of the log with some id, found without reading all of it where the id index knows their times."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import polars as pl

from mlops_lab.clock import from_micros
from mlops_lab.errors import NotFound
from mlops_lab.lake import Lake
from mlops_lab.loop.erasures import explain_by_erasures
from mlops_lab.outcomes.id_index import IdIndex
from mlops_lab.project import Project
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.table import Table

_MICROSECOND = timedelta(microseconds=1)

UNKNOWN_PREDICTION = "unknown_prediction"


def read_prediction(project: Project, lake: Lake, prediction_id: str) -> pl.DataFrame:
    """The row of a logged prediction, as it is stored; NotFound where there is none."""
    moments = find_moments(project, lake, PREDICTIONS, prediction_id)
    rows = read_rows(lake, PREDICTIONS, prediction_id, moments=moments)
    if rows.is_empty():
        hint, erased = "the server's responses and the table `predictions` have the ids", explain_by_erasures(lake)
        raise NotFound(
            f'there is no prediction "{prediction_id}"',
            code=UNKNOWN_PREDICTION,
            where="ID",
            hint=f"{hint}; {erased}" if erased else hint,
        )
    return rows.head(1)


def find_moments(project: Project, lake: Lake, table: Table, prediction_id: str) -> set[datetime] | None:
    """The times of the rows with that id; None where the id index does not hold all rows of the table."""
    index = IdIndex(project.ids_path / table.name)
    index.refresh()
    if not table.exists(lake) or index.version != lake.version(table.name):
        return None
    return {from_micros(entry.moment) for entry in index.find(prediction_id)}


def read_rows(lake: Lake, table: Table, prediction_id: str, *, moments: Collection[datetime] | None) -> pl.DataFrame:
    """The rows with that id, as they are stored; `moments`: their times, if known."""
    if not table.exists(lake):
        return pl.DataFrame()
    if moments is None:
        parts = [lake.read(table.name, as_stored=True)]
    else:
        spans = [((table.time, moment), (table.time, moment + _MICROSECOND)) for moment in sorted(moments)]
        parts = [lake.read(table.name, since=since, before=before, as_stored=True) for since, before in spans]
    return pl.concat([part.filter(pl.col("id") == prediction_id) for part in parts]) if parts else pl.DataFrame()
