"""Loading the project's data files into the lake, each row exactly once."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import polars as pl

from mlops_lab.contracts.parse import parse_column
from mlops_lab.contracts.tables import SetAside, breaches_of, explain_breaches, sort_out
from mlops_lab.errors import InvalidInput
from mlops_lab.intake.changes import TableChanges, changes_error, find_changes, without_submitted
from mlops_lab.intake.complete import complete_source, not_appended_error
from mlops_lab.intake.load_memory import check_load_memory
from mlops_lab.intake.quarantine import set_aside
from mlops_lab.intake.read import read_table
from mlops_lab.lake import Lake
from mlops_lab.notes import tell
from mlops_lab.project import Project
from mlops_lab.project.declaration import SourceSection, TableSection
from mlops_lab.tables.arrival import Arrival
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.fields import outcome_fields, table_fields
from mlops_lab.tables.table import MOMENT


def load_sources(
    project: Project, lake: Lake, *, now: datetime, received_at: datetime, accept_changes: bool = False
) -> bool:
    """Bring the project's data into the lake; True if a table that was loaded before got new rows.

    All tables are checked before the first is written. A table that exists gets the rows whose key it does not hold
    yet. Data with other values than it holds, or without rows that it got from the data, is refused (Refused, and
    nothing is loaded), ignored, or taken as a correction, with `on_change = "correct"` or `accept_changes`: one more
    version of the row, received at `received_at`. Rows of a first load count as received when they were known. Ids and
    moments that the source's data lacks are made up as of `now`: see `complete_source`.

    Rows that break the contract are set aside; InvalidInput, and nothing is loaded, where too many of a file do.
    EnvironmentFault, and nothing is read, where there is too little memory for it.
    """
    source = project.settings.source
    check_load_memory(project)
    tables = [_read_table(project, name, now=now) for name in _keys(project)]
    for table in tables:
        if len(table.aside) > project.settings.contract.max_quarantined_share * table.height:
            raise explain_breaches(breaches_of(table.name, table.aside))
    _check_order(project, tables[0].rows)
    if project.settings.project.clock == "wall" and (later := (tables[0].rows[source.time] > now).sum()):
        tell(
            f"{later:,} of {tables[0].height:,} rows of {source.table} are in the future: they play no part until then"
        )
    changes = {table.name: _find_changes(project, lake, table) for table in tables if lake.exists(table.name)}
    if source.id in tables[0].made_up and source.table in changes and changes[source.table].is_correction:
        raise not_appended_error(project)
    sections: dict[str, SourceSection | TableSection] = {source.table: source, **project.settings.tables}
    on_change = {name: section.on_change for name, section in sections.items()}
    refused = [one for name, one in changes.items() if one.is_correction and on_change[name] == "refuse"]
    if refused and not accept_changes:
        raise changes_error(refused)
    for table in tables:
        if table.aside:
            set_aside(lake, received_at, table=table.name, rows=table.aside)
    has_new_rows = False
    for table in tables:
        rows = table.rows
        if table.name in changes:
            is_corrected = accept_changes or on_change[table.name] == "correct"
            rows = _new_rows(changes[table.name], received_at, with_corrections=is_corrected)
            has_new_rows = has_new_rows or rows.height > 0
        if rows.height or table.name not in changes:
            lake.append(table.name, rows, time=table.known_at)
    return has_new_rows


class _TableData(NamedTuple):
    """The data of a table: its rows that keep the contract, those that do not, how many there are, the columns that
    identify a row, that of the moment at which it was known, the columns that the data itself does not have, and the
    keys of all its rows."""

    name: str
    rows: pl.DataFrame
    aside: list[SetAside]
    height: int
    key: list[str]
    known_at: str | None
    made_up: list[str]
    keys: pl.DataFrame


def _read_table(project: Project, name: str, *, now: datetime) -> _TableData:
    (key, known_at), fields = _keys(project)[name], table_fields(project)[name]
    frame = read_table(project, name)
    made_up = [field.name for field in fields if field.name not in frame.columns]
    if name == project.settings.source.table:
        frame = complete_source(project, frame, now=now)
    order = known_at if name in project.settings.tables and project.settings.tables[name].monotone else None
    rows, aside = sort_out(frame, fields, table=name, key=key, order=order)
    keys = pl.DataFrame([parse_column(frame[field.name], field, name) for field in fields if field.name in key])
    return _TableData(name, rows, aside, frame.height, key, known_at, made_up, keys)


def _find_changes(project: Project, lake: Lake, table: _TableData) -> TableChanges:
    """The changes of a table's data; of the source's, also against the outcomes that were submitted for its ids."""
    changes = find_changes(lake, table.name, table.rows, key=table.key, present=table.keys, ignored=table.made_up)
    source = project.settings.source
    if table.name != source.table or source.id in table.made_up or not OUTCOMES.exists(lake):
        return changes
    names = [field.name for field in outcome_fields(project)]
    outcomes = OUTCOMES.read(lake, columns=["id", "verdict", "known_at", *names])
    return without_submitted(changes, outcomes.rename({"id": source.id}), key=source.id, compared=names)


def _new_rows(changes: TableChanges, received_at: datetime, *, with_corrections: bool) -> pl.DataFrame:
    """The rows to append: when they were received, and as what."""
    parts = [(changes.added, Arrival.FILE), (changes.filled, Arrival.FILLED)]
    parts += [(changes.changed, Arrival.CORRECTION), (changes.gone, Arrival.GONE)] if with_corrections else []
    received = [
        rows.with_columns(
            pl.lit(received_at, MOMENT).alias("received_at"), pl.lit(arrival, pl.String).alias("received_as")
        )
        for rows, arrival in parts
        if rows.height
    ]
    return pl.concat(received, how="diagonal") if received else changes.added


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
