"""From the project's data files into the lake, each row exactly once."""

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

# ---- data files ----------------------------------------------------------------------------------------------------

LOAD_LEAD = timedelta(seconds=10)
"""How long after they were loaded further rows of a data file are seen: all servers know them by then."""


def load_sources(project: Project, lake: Lake, *, now: datetime, received_at: datetime) -> bool:
    """Bring the project's data into the lake: all tables are checked before the first is written.

    A table that exists gets the rows whose key it does not hold yet; rows it holds are left as they are. What a first
    load brings was received when it was known; what comes later, at `received_at`. True if something came later.
    Ids and moments that the source's data lacks are made for it, as of `now`: see `complete_source`.

    Rows that break the contract are set aside; InvalidInput, and nothing is loaded, where too many of a file do.
    """
    source = project.settings.source
    keys: dict[str, tuple[list[str], str | None]] = {source.table: ([source.id], source.known_at)}
    for name, table in project.settings.tables.items():
        keys[name] = ([*table.key, *([table.known_at] if table.known_at else [])], table.known_at)
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
    later = False
    for name, (key, known_at) in keys.items():
        frame = checked[name]
        if lake.exists(name):
            frame = frame.join(lake.read(name, columns=key), on=key, how="anti", maintain_order="left")
            frame = frame.with_columns(pl.lit(received_at, MOMENT).alias("received_at"))
            later = later or frame.height > 0
        if frame.height or not lake.exists(name):
            lake.append(name, frame, time=known_at)
    return later


def _check_order(project: Project, frame: pl.DataFrame) -> None:
    source = project.settings.source
    early = frame[source.known_at] < frame[source.time]
    if early.any():
        row = int(early.arg_max() or 0)
        raise InvalidInput(
            f"the outcome of {frame[source.id][row]!r} was known before it was asked for",
            code="outcome_too_early",
            where=f'table "{source.table}", row {row}, column "{source.known_at}"',
            hint="give the moment at which the truth became known; nothing was loaded",
        )
