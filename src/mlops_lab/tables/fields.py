"""The fields of requests, outcomes and tables, as the project declares them."""

from __future__ import annotations

import polars as pl

from mlops_lab.contracts.fields import Field, parse_fields, polars_schema
from mlops_lab.project import ROW_ID, Project


def request_fields(project: Project) -> tuple[Field, ...]:
    """The fields of a request; where its moment is that of its arrival, the field of the moment comes first."""
    source = project.settings.source
    implied = (Field(source.time, "datetime", nullable=False),) if project.timed_by_arrival else ()
    return (*implied, *parse_fields(source.request, where="source.request"))


def outcome_fields(project: Project) -> tuple[Field, ...]:
    """The fields of an outcome."""
    return parse_fields(project.settings.source.outcome, where="source.outcome")


def source_fields(project: Project) -> tuple[Field, ...]:
    """The fields of the source table: id, request, the moment the outcome became known, outcome."""
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


def row_keys(project: Project) -> dict[str, list[str]]:
    """By table that takes single rows, the columns that identify a row.

    The source table takes none where an id is a position in its file.
    """
    source = project.settings.source
    keys = {} if source.id == ROW_ID else {source.table: [source.id]}
    for name, table in project.settings.tables.items():
        keys[name] = [*table.key, *([table.known_at] if table.known_at else [])]
    return keys


def table_schemas(project: Project) -> dict[str, dict[str, pl.DataType]]:
    """FixedColumn dtypes of every table that views may look up."""
    return {name: polars_schema(fields) for name, fields in table_fields(project).items()}


def submitted_fields(project: Project) -> tuple[Field, ...]:
    """The fields of a submitted outcome: the id of the prediction, when the outcome became known, and the outcome.

    The moment may be left out where "now" is the machine's time: it is then the moment of arrival. With
    `clock = "data"` it is required.
    """
    uses_wall_clock = project.settings.project.clock == "wall"
    known = (Field("id", "string", nullable=False), Field("known_at", "datetime", nullable=uses_wall_clock))
    return (*known, *outcome_fields(project))
