"""Loading the project's data files into the lake, each row exactly once."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab.contracts.tables import breaches_of, explain_breaches, sort_out
from mlops_lab.errors import InvalidInput
from mlops_lab.intake.complete import check_appended, complete_source
from mlops_lab.intake.quarantine import set_aside
from mlops_lab.intake.read import read_table
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.fields import table_fields
from mlops_lab.tables.table import MOMENT

LOAD_LEAD = timedelta(seconds=10)
"""How long after a load its new rows become visible to features: by then all servers have them."""


def load_sources(project: Project, lake: Lake, *, now: datetime, received_at: datetime) -> bool:
    """Bring the project's data into the lake; True if a table that was loaded before got new rows.

    All tables are checked before the first is written. A table that exists gets the rows whose key it does not hold
    yet; rows it holds are left as they are. Rows of a first load count as received when they were known, later ones at
    `received_at`. Ids and moments that the source's data lacks are made up as of `now`: see `complete_source`.

    Rows that break the contract are set aside; InvalidInput, and nothing is loaded, where too many of a file do.
    """
    source = project.settings.source
    keys = _keys(project)
    fields = table_fields(project)
    checked, aside = {}, {}
    for name, (key, known_at) in keys.items():
        frame = read_table(project, name)
        if name == source.table:
            frame = complete_source(project, frame, now=now)
        order = known_at if name in project.settings.tables and project.settings.tables[name].monotone else None
        checked[name], aside[name] = sort_out(frame, fields[name], table=name, key=key, order=order)
        if len(aside[name]) > project.settings.contract.max_quarantined_share * frame.height:
            raise explain_breaches(breaches_of(name, aside[name]))
    _check_order(project, checked[source.table])
    check_appended(project, lake, checked[source.table])
    for name, rows in aside.items():
        if rows:
            set_aside(lake, received_at, table=name, rows=rows)
    has_new_rows = False
    for name, (key, known_at) in keys.items():
        frame = checked[name]
        if lake.exists(name):
            frame = frame.join(lake.read(name, columns=key), on=key, how="anti", maintain_order="left")
            frame = frame.with_columns(pl.lit(received_at, MOMENT).alias("received_at"))
            has_new_rows = has_new_rows or frame.height > 0
        if frame.height or not lake.exists(name):
            lake.append(name, frame, time=known_at)
    return has_new_rows


def _keys(project: Project) -> dict[str, tuple[list[str], str | None]]:
    """By table, the columns that identify a row, and the column of the moment it was known; the source comes first."""
    source = project.settings.source
    keys: dict[str, tuple[list[str], str | None]] = {source.table: ([source.id], source.known_at)}
    for name, table in project.settings.tables.items():
        keys[name] = ([*table.key, *([table.known_at] if table.known_at else [])], table.known_at)
    return keys


def _check_order(project: Project, frame: pl.DataFrame) -> None:
    """InvalidInput where an outcome was known before its request was made."""
    source = project.settings.source
    early = frame[source.known_at] < frame[source.time]
    if early.any():
        row = int(early.arg_max() or 0)
        raise InvalidInput(
            f"the outcome of {frame[source.id][row]!r} was known before the request was made",
            code="outcome_too_early",
            where=f'table "{source.table}", row {row}, column "{source.known_at}"',
            hint="give the moment at which the truth became known; nothing was loaded",
        )
