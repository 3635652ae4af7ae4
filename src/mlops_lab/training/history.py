"""What the lake knows about the past: labelled requests, and the facts that views look up."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import polars as pl

from mlops_lab.contracts.fields import Field, parse_fields, polars_schema
from mlops_lab.features.definition import View
from mlops_lab.lake import Lake
from mlops_lab.outcomes.judge import Verdict
from mlops_lab.project import Project

PREDICTIONS = "predictions"
OUTCOMES = "outcomes"
REFUSALS = "refusals"
SHADOWS = "shadows"


def request_fields(project: Project) -> tuple[Field, ...]:
    """The fields of a request, with its moment where that is the one of its arrival."""
    source = project.settings.source
    implied = (Field(source.time, "datetime", nullable=False),) if project.timed_by_arrival else ()
    return (*implied, *parse_fields(source.request, where="source.request"))


def outcome_fields(project: Project) -> tuple[Field, ...]:
    """The fields of an outcome."""
    return parse_fields(project.settings.source.outcome, where="source.outcome")


def source_fields(project: Project) -> tuple[Field, ...]:
    """The fields of the source table: id, request, moment of knowing, outcome."""
    source = project.settings.source
    return (
        Field(source.id, "string", nullable=False),
        *request_fields(project),
        Field(source.known_at, "datetime", nullable=False),
        *outcome_fields(project),
    )


def table_fields(project: Project) -> dict[str, tuple[Field, ...]]:
    """The fields of every table that views may look up."""
    tables = {
        name: parse_fields(table.fields, where=f"tables.{name}.fields")
        for name, table in project.settings.tables.items()
    }
    return {project.settings.source.table: source_fields(project), **tables}


def read_labelled(project: Project, lake: Lake) -> pl.DataFrame:
    """All requests whose outcome is known: the loaded past and the accepted outcomes; by time, then id.

    Columns: those of `facts_of`, the request fields, the column of the moment of knowing, the outcome fields.
    """
    tables = [project.settings.source.table, *([OUTCOMES] if lake.exists(OUTCOMES) else [])]
    parts = [facts_of(project, table, lake.read(table)) for table in tables]
    return pl.concat(parts).sort(project.settings.source.time, "_fact_id")


def read_facts(project: Project, lake: Lake, labelled: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The facts of every table that views may look up; those of the source table are the labelled requests."""
    others = {name: facts_of(project, name, lake.read(name)) for name in project.settings.tables}
    return {project.settings.source.table: labelled, **others}


def read_view_facts(project: Project, lake: Lake, views: Iterable[View]) -> dict[str, pl.DataFrame]:
    """The facts that these views look up, in no particular order: of each table the columns that they ask for."""
    source = project.settings.source
    asked: dict[str, set[str]] = {}
    for view in views:
        asked.setdefault(view.table, set()).update(view.columns)
    found = {}
    for table, columns in asked.items():
        tables = [table, *([OUTCOMES] if table == source.table and lake.exists(OUTCOMES) else [])]
        parts = []
        for name in tables:
            identity = {*_identity(project, name), "verdict", "received_at"}
            read = [column for column in lake.schema(name) if column in columns | identity]
            parts.append(facts_of(project, name, lake.read(name, columns=read), columns=columns))
        found[table] = pl.concat(parts)
    return found


def _identity(project: Project, table: str) -> list[str]:
    """The columns that say which fact it is and when it was known."""
    source = project.settings.source
    if table == OUTCOMES:
        return ["id", "known_at"]
    if table == source.table:
        return [source.id, source.known_at]
    section = project.settings.tables[table]
    return [*section.key, *([section.known_at] if section.known_at else [])]


def facts_of(
    project: Project, table: str, rows: pl.DataFrame, *, columns: Collection[str] | None = None
) -> pl.DataFrame:
    """The facts in some rows of a table: `_fact_id`, `_known_at`, `_seen_at` (null: always), and the rows' own columns
    (those of them that are in `columns`).

    A fact is seen from the later of two times: when the world knew it and when it reached us. The facts in the
    outcomes are those of the source table.
    """
    source = project.settings.source
    if table in (source.table, OUTCOMES):
        name, known_at = (source.id, source.known_at) if table == source.table else ("id", "known_at")
        rows = rows if table == source.table else rows.filter(pl.col("verdict") == Verdict.ACCEPTED)
        identity = pl.col(name)
        asked = [field.name for field in (*request_fields(project), *outcome_fields(project))]
        own = {source.known_at: pl.col(known_at).alias(source.known_at), **{name: pl.col(name) for name in asked}}
    else:
        section = project.settings.tables[table]
        known_at = section.known_at or ""
        identity = pl.concat_str([pl.col(column).cast(pl.String) for column in section.key], separator="\x1f")
        own = {column: pl.col(column) for column in section.fields}
    nothing = pl.lit(None, pl.Datetime("us", "UTC"))
    known = pl.col(known_at) if known_at else nothing
    received = pl.col("received_at") if "received_at" in rows.columns else nothing
    return rows.select(
        identity.alias("_fact_id"),
        known.alias("_known_at"),
        pl.max_horizontal(known, received).alias("_seen_at"),
        *(column for name, column in own.items() if columns is None or name in columns),
    )


def table_schemas(project: Project) -> dict[str, dict[str, pl.DataType]]:
    """Column dtypes of every table that views may look up."""
    return {name: polars_schema(fields) for name, fields in table_fields(project).items()}
