"""Labelled requests, and the facts that views look up, read from the lake."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT, cast_exactly, join_types
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.table import FixedColumn
from mlops_lab.tables.verdict import Verdict

_ADDED = frozenset(column.name for column in OUTCOMES.columns if isinstance(column, FixedColumn))
"""The columns of outcomes that say what became of them; and `received_at`, which every table may have."""


def read_labelled(project: Project, lake: Lake) -> pl.DataFrame:
    """All requests whose outcome is known: the loaded past and the accepted outcomes; by time, then id.

    Columns: those of `facts_of`, the request fields, the column of the moment of knowing, the outcome fields.
    """
    tables = [project.settings.source.table, *([OUTCOMES.name] if OUTCOMES.exists(lake) else [])]
    parts = [facts_of(project, table, lake.read(table)) for table in tables]
    return concat_facts(parts).sort(project.settings.source.time, "_fact_id")


def read_facts(project: Project, lake: Lake, labelled: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The facts of every table that views may look up; those of the source table are the labelled requests."""
    others = {name: facts_of(project, name, lake.read(name)) for name in project.settings.tables}
    return {project.settings.source.table: labelled, **others}


def read_columns_of_facts(
    project: Project, lake: Lake, columns_by_table: Mapping[str, Collection[str]]
) -> dict[str, pl.DataFrame]:
    """The facts of these tables, with these of their columns, in no particular order."""
    source = project.settings.source
    facts = {}
    for table, columns in columns_by_table.items():
        tables = [table, *([OUTCOMES.name] if table == source.table and OUTCOMES.exists(lake) else [])]
        parts = []
        for name in tables:
            always = {*_identity_columns(project, name), "verdict", "received_at"}
            names = [column for column in lake.schema(name) if column in {*columns, *always}]
            parts.append(facts_of(project, name, lake.read(name, columns=names), columns=columns))
        facts[table] = concat_facts(parts)
    return facts


def concat_facts(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The facts of several tables. A column that some of them lack is null there; types differ only in columns that are
    not declared any more, and are joined."""
    first, *others = parts
    for other in others:
        joined = {
            name: join_types(first[name], other[name])
            for name, dtype in other.schema.items()
            if first.schema.get(name, dtype) != dtype
        }
        both = [
            part.with_columns(cast_exactly(part[name], dtype)[0] for name, dtype in joined.items())
            for part in (first, other)
        ]
        first = pl.concat(both, how="diagonal")
    return first


def _identity_columns(project: Project, table: str) -> list[str]:
    """The columns that identify a fact, and that of the moment it was known."""
    source = project.settings.source
    if table == OUTCOMES.name:
        return ["id", "known_at"]
    if table == source.table:
        return [source.id, source.known_at]
    section = project.settings.tables[table]
    return [*section.key, *([section.known_at] if section.known_at else [])]


def facts_of(
    project: Project, table: str, rows: pl.DataFrame, *, columns: Collection[str] | None = None
) -> pl.DataFrame:
    """The facts in some rows of a table: `_fact_id`, `_known_at`, `_seen_at` (null: always visible), and the columns of
    the rows (those of them that are in `columns`), also those that are not declared any more.

    A fact is visible from the later of two moments: when it became known, and when it reached the project. The rows of
    the outcomes are facts of the source table.
    """
    source = project.settings.source
    if table in (source.table, OUTCOMES.name):
        id_column, known_at = (source.id, source.known_at) if table == source.table else ("id", "known_at")
        rows = rows if table == source.table else rows.filter(pl.col("verdict") == Verdict.ACCEPTED)
        identity = pl.col(id_column)
        names = [name for name in rows.columns if name not in {id_column, known_at, *_ADDED}]
        own = {source.known_at: pl.col(known_at).alias(source.known_at), **{name: pl.col(name) for name in names}}
    else:
        section = project.settings.tables[table]
        known_at = section.known_at or ""
        identity = pl.concat_str([pl.col(column).cast(pl.String) for column in section.key], separator="\x1f")
        own = {column: pl.col(column) for column in rows.columns if column != "received_at"}
    no_moment = pl.lit(None, MOMENT)
    known = pl.col(known_at) if known_at else no_moment
    received = pl.col("received_at") if "received_at" in rows.columns else no_moment
    return rows.select(
        identity.alias("_fact_id"),
        known.alias("_known_at"),
        pl.max_horizontal(known, received).alias("_seen_at"),
        *(column for name, column in own.items() if columns is None or name in columns),
    )
