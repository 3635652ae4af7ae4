"""What the lake knows about the past: labelled requests, and the facts that views look up."""

from __future__ import annotations

import polars as pl

from mlops_lab.contracts.fields import Field, parse_fields, polars_schema
from mlops_lab.lake import Lake
from mlops_lab.outcomes.judge import Verdict
from mlops_lab.project import Project

PREDICTIONS = "predictions"
OUTCOMES = "outcomes"
REFUSALS = "refusals"


def request_fields(project: Project) -> tuple[Field, ...]:
    """The fields of a request."""
    return parse_fields(project.settings.source.request, where="source.request")


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

    Columns: `_fact_id`, `_known_at`, `_seen_at` (see `read_facts`), the request fields, the column of the moment of
    knowing, the outcome fields.
    """
    source = project.settings.source
    columns = [field.name for field in (*request_fields(project), *outcome_fields(project))]
    moment = pl.col("_known_at").alias(source.known_at)
    past = lake.read(source.table)
    parts = [
        past.select(
            pl.col(source.id).alias("_fact_id"), pl.col(source.known_at).alias("_known_at"), _received(past), *columns
        )
    ]
    if lake.exists(OUTCOMES):
        accepted = lake.read(OUTCOMES).filter(pl.col("verdict") == Verdict.ACCEPTED)
        parts.append(
            accepted.select(
                pl.col("id").alias("_fact_id"), pl.col("known_at").alias("_known_at"), "received_at", *columns
            )
        )
    seen = pl.max_horizontal("_known_at", "received_at").alias("_seen_at")
    return pl.concat(parts).with_columns(moment, seen).drop("received_at").sort(source.time, "_fact_id")


def read_facts(project: Project, lake: Lake, labelled: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The facts of every table: `_known_at`, `_seen_at` (null: always) and `_fact_id` beside their own columns.

    A fact is seen from the later of two times: when the world knew it and when it reached us.
    """
    facts = {project.settings.source.table: labelled}
    for name, table in project.settings.tables.items():
        known_at = pl.col(table.known_at) if table.known_at else pl.lit(None, pl.Datetime("us", "UTC"))
        identity = pl.concat_str([pl.col(column).cast(pl.String) for column in table.key], separator="\x1f")
        rows = lake.read(name)
        timed = rows.with_columns(_received(rows), _known_at=known_at, _fact_id=identity)
        seen = pl.max_horizontal("_known_at", "received_at").alias("_seen_at")
        facts[name] = timed.with_columns(seen).drop("received_at")
    return facts


def _received(rows: pl.DataFrame) -> pl.Expr:
    """When each row reached us; null where that was when it was known, as for all that was loaded first."""
    nothing = pl.lit(None, pl.Datetime("us", "UTC")).alias("received_at")
    return pl.col("received_at") if "received_at" in rows.columns else nothing


def table_schemas(project: Project) -> dict[str, dict[str, pl.DataType]]:
    """Column dtypes of every table that views may look up."""
    return {name: polars_schema(fields) for name, fields in table_fields(project).items()}
