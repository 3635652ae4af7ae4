"""Drill: a column that may be null is null in every row from one day on, and nothing fails."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from mlops_lab.drills.columns import most_used, not_possible
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.history import Facts, change_between
from mlops_lab.drills.span import Fault, play_fault
from mlops_lab.project import Project
from mlops_lab.tables.fields import request_fields, table_fields


def run(ground: Ground) -> Observed:
    """What the system did about it."""
    project = ground.project
    used = most_used(ground, nullable_columns(project), blank)
    if used is None:  # then the door refuses the null: no silent fault, and requests that get no answer
        required = [field.name for field in request_fields(project) if field.name != project.settings.source.time]
        used = most_used(ground, [(project.settings.source.table, name) for name in required], blank)
    if used is None:
        raise not_possible("no column changes an answer")

    def change(facts: Facts, since: datetime, until: datetime) -> Facts:
        changed = blank(facts[used.table], used.column)
        return change_between(project, facts, changed, since, until, table=used.table)

    words = f"{used.column} of {used.table} is null"
    return play_fault(ground, Fault(words=words, names=used.is_named_by, change=change))


def nullable_columns(project: Project) -> list[tuple[str, str]]:
    """The columns that may be null: of requests, and of tables whose rows become known at a moment."""
    source, tables = project.settings.source, table_fields(project)
    columns = [(source.table, field.name) for field in request_fields(project) if field.nullable]
    timed = [name for name, table in project.settings.tables.items() if table.known_at is not None]
    return [*columns, *((name, field.name) for name in timed for field in tables[name] if field.nullable)]


def blank(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The rows with nulls in the column."""
    return rows.with_columns(pl.lit(None, rows.schema[column]).alias(column))


NULL_COLUMN = Drill(
    name="null-column",
    summary="A column is silently null.",
    target=Target(detect=timedelta(days=2), recover=timedelta(days=4), harmed_share=0.3),
    run=run,
)
