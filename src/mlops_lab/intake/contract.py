"""Comparing the contract of a project with its data: what breaks it, and which fields the data suggests."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab import clock
from mlops_lab.clock import parse_duration
from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.infer import infer_fields
from mlops_lab.contracts.moments import parse_moments
from mlops_lab.contracts.rules import Breach, find_breaches
from mlops_lab.contracts.tables import breaches_of, sort_out
from mlops_lab.errors import NotFound
from mlops_lab.intake.complete import complete_source
from mlops_lab.intake.read import read_table
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.facts import facts_of
from mlops_lab.tables.fields import table_fields
from mlops_lab.tables.open_lake import open_lake


def tables_of(project: Project, table: str | None) -> list[str]:
    """The tables of the project, or the one named; NotFound names them."""
    known = list(table_fields(project))
    if table is None:
        return known
    if table not in known:
        raise NotFound(f'there is no table "{table}"', code="unknown_table", where="TABLE", hint=f"known: {known}")
    return [table]


def read_data(project: Project, table: str) -> pl.DataFrame:
    """The data file of a table; ids and moments that it lacks are made up."""
    frame = read_table(project, table)
    return complete_source(project, frame, now=clock.EPOCH) if table == project.settings.source.table else frame


def infer_table(project: Project, table: str) -> tuple[Field, ...]:
    """The fields that the data file of a table suggests; text that the project declares as a moment counts as one."""
    frame = read_data(project, table)
    moments = [field for field in table_fields(project)[table] if field.kind == "datetime"]
    parsed = [parse_moments(frame[field.name], field.format) for field in moments if field.name in frame.columns]
    return infer_fields(frame.with_columns(column for column in parsed if column is not None))


def check_table(project: Project, table: str, *, now: datetime) -> list[Breach]:
    """Everything in a table's data file and in the lake that breaks the present contract, as of `now`."""
    fields = table_fields(project)[table]
    source = project.settings.source
    key = [source.id] if table == source.table else list(project.settings.tables[table].key)
    section = project.settings.tables.get(table)
    if section and section.known_at:
        key.append(section.known_at)
    order = section.known_at if section and section.monotone else None
    good, aside = sort_out(read_data(project, table), fields, table=table, key=key, order=order)
    breaches = breaches_of(table, aside)
    lake = open_lake(project)
    rows = good
    if lake.exists(table):
        parts = [lake.read(table).select(field.name for field in fields)]
        if table == source.table and OUTCOMES.exists(lake):
            accepted = facts_of(project, OUTCOMES.name, OUTCOMES.read(lake)).rename({"_fact_id": source.id})
            parts.append(accepted.select(field.name for field in fields))
        rows = pl.concat(parts)
        breaches += find_breaches(f"{table} in the lake", rows, fields)
    return breaches + (_check_flow(project, table, rows, now=now) if section and section.known_at else [])


def _check_flow(project: Project, table: str, rows: pl.DataFrame, *, now: datetime) -> list[Breach]:
    """Breaches of the limits on rows a day, without the first and the last day, which may be incomplete; and of the
    limit on the age of the newest row. Days are those of the project's time zone."""
    section = project.settings.tables[table]
    column = str(section.known_at)
    breaches = []
    day = pl.col(column).dt.convert_time_zone(project.timezone).dt.date().alias("day")
    days = rows.group_by(day).len().sort("day")
    if days.height > 2:
        first, last = days["day"][0], days["day"][-1]
        all_days = pl.DataFrame({"day": pl.date_range(first, last, timedelta(days=1), eager=True)})
        counted = all_days.join(days, on="day", how="left").fill_null(0)[1:-1]
        for rule, limit, is_broken in (
            ("min_rows_per_day", section.min_rows_per_day, pl.col("len") < (section.min_rows_per_day or 0)),
            ("max_rows_per_day", section.max_rows_per_day, pl.col("len") > (section.max_rows_per_day or 0)),
        ):
            broken = counted.filter(is_broken) if limit else counted.clear()
            if broken.height:
                examples = tuple({"day": str(when), "rows": rows} for when, rows in broken.head(5).iter_rows())
                breaches.append(Breach(table, rule, column, f"{rule} = {limit}", broken.height, examples))
    newest = rows[column].max()
    if section.fresh_within and isinstance(newest, datetime) and now - newest > parse_duration(section.fresh_within):
        text = f"fresh_within = {section.fresh_within}"
        breaches.append(Breach(table, "fresh_within", column, text, 1, ({"newest": newest, "now": now},)))
    return breaches
