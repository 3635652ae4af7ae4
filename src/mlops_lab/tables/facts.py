"""Labelled requests, and the facts that views look up, read from the lake."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.lake.nulls import read_nulls
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT, cast_exactly, join_types
from mlops_lab.tables.arrival import LATER, LOAD_LEAD, Arrival, file_delay
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.fact_columns import OF_OUTCOME
from mlops_lab.tables.fields import table_schemas
from mlops_lab.tables.identity import identity_error
from mlops_lab.tables.table import FixedColumn
from mlops_lab.tables.verdict import COUNTED, Verdict
from mlops_lab.tables.versions import CORRECTED_AT, GONE, latest_versions, with_retractions

LOOP_COLUMNS = frozenset({"received_at", "received_as"})
"""The columns that every table of the project gets as soon as rows are added after its first load."""
AS_OF = "_as_of"
"""In labelled requests that a server answered: as of when, where that was not their own time."""
_ADDED = frozenset(column.name for column in OUTCOMES.columns if isinstance(column, FixedColumn)) | LOOP_COLUMNS
"""The columns of outcomes that say what became of them; and those of `LOOP_COLUMNS`."""


class Known(NamedTuple):
    """A range of moments at which rows became known: at or after `since`, and before `until`. The first one, without
    `since`, has the rows that were always known, too."""

    since: datetime | None = None
    until: datetime | None = None


ANY_TIME = Known()


def read_labelled(project: Project, lake: Lake, *, until: datetime | None = None) -> pl.DataFrame:
    """All requests whose outcome is known: the loaded past and the accepted outcomes; by time, then id.

    Of a corrected one the last version that was received by `until` (None: ever). Columns: those of `facts_of`, the
    request fields, the column of the moment of knowing, the outcome fields, and `AS_OF`: as of when it was answered.
    """
    return with_as_of(project, latest_versions(_read_source(project, lake, until), ["_fact_id"], until=until))


def with_as_of(project: Project, labelled: pl.DataFrame) -> pl.DataFrame:
    """The labelled requests with the column `AS_OF`: as of when each was answered."""
    own = pl.col(project.settings.source.time)
    as_of = pl.min_horizontal(own, AS_OF) if AS_OF in labelled.columns else own
    return labelled.with_columns(as_of.alias(AS_OF))


def read_facts(project: Project, lake: Lake, *, until: datetime | None = None) -> dict[str, pl.DataFrame]:
    """The facts of every table that views may look up, for a training as of `until` (None: now); those of the source
    table are the labelled requests, by time, then id.

    Rows of files count as received when they would have been. A corrected fact is what was known of it at `until`.
    """
    labelled = {project.settings.source.table: read_labelled(project, lake, until=until)}
    return labelled | {name: read_table(project, lake, name, until=until) for name in project.settings.tables}


def read_table(project: Project, lake: Lake, table: str, *, until: datetime | None = None) -> pl.DataFrame:
    """The facts of one table beside the source, for a training as of `until`."""
    delay = file_delay(project, lake, table, until=until)
    facts = facts_of(project, table, _read(project, lake, table), delay=delay)
    return latest_versions(facts, identity_of(project, table), until=until)


def _read_source(project: Project, lake: Lake, until: datetime | None) -> pl.DataFrame:
    """The facts of the source table and of the outcomes, in all their versions."""
    source = project.settings.source
    delay = file_delay(project, lake, source.table, until=until)
    tables = [source.table, *([OUTCOMES.name] if OUTCOMES.exists(lake) else [])]
    parts = [facts_of(project, table, _read(project, lake, table), delay=delay) for table in tables]
    return concat_facts(parts).sort(source.time, "_fact_id")


def read_columns_of_facts(
    project: Project, lake: Lake, columns_by_table: Mapping[str, Collection[str]]
) -> dict[str, pl.DataFrame]:
    """The facts of these tables, with these of their columns, in no particular order; as a server has seen them."""
    source = project.settings.source
    facts = {}
    for table, columns in columns_by_table.items():
        tables = [table, *([OUTCOMES.name] if table == source.table and OUTCOMES.exists(lake) else [])]
        parts = []
        for name in tables:
            rows = _read(
                project, lake, name, columns={*identity_columns(project, name), "verdict", *LOOP_COLUMNS, *columns}
            )
            parts.append(facts_of(project, name, rows, columns=columns, as_served=True))
        facts[table] = with_retractions(concat_facts(parts), identity_of(project, table))
    return facts


def read_known_between(
    project: Project,
    lake: Lake,
    table: str,
    known: Known,
    *,
    delay: timedelta,
    columns: Collection[str] | None = None,
) -> pl.DataFrame:
    """The facts in the rows of a table of the lake that became known in a range, in all their versions, for a training;
    with `columns`, these of their columns."""
    wanted = None if columns is None else {*identity_columns(project, table), "verdict", *LOOP_COLUMNS, *columns}
    rows = _read(project, lake, table, columns=wanted, known=known)
    return facts_of(project, table, rows, columns=columns, delay=delay)


def _read(
    project: Project, lake: Lake, table: str, *, columns: Collection[str] | None = None, known: Known = ANY_TIME
) -> pl.DataFrame:
    """The rows of a table (those of the columns that it has) that became known in a range; none where it is declared
    and was not loaded yet.

    Conflict where they lack a column that identifies them by now.
    """
    if not lake.exists(table):
        return pl.DataFrame(schema=table_schemas(project)[table])
    stored = lake.schema(table)
    for column in identity_columns(project, table):
        if column not in stored:
            raise identity_error(project, table, column, role="what identifies them")
    known_columns = dict.fromkeys([*stored, *lake.declared.get(table, {})])
    names = None if columns is None else [column for column in known_columns if column in columns]
    known_at = known_at_of(project, table)
    if known == ANY_TIME or (known_at is None and known.since is None):
        return lake.read(table, columns=names)
    if known_at is None:
        return lake.read(table, columns=names).clear()
    since, before = ((known_at, moment) if moment else None for moment in known)
    rows = lake.read(table, columns=names, since=since, before=before)
    return rows if known.since else pl.concat([read_nulls(lake, table, known_at, columns=names), rows])


def known_at_of(project: Project, table: str) -> str | None:
    """The column of the moment at which the rows of a table of the lake became known."""
    source = project.settings.source
    if table == OUTCOMES.name:
        return OUTCOMES.time
    return source.known_at if table == source.table else project.settings.tables[table].known_at


def identity_of(project: Project, table: str) -> list[str]:
    """The columns of facts that the versions of a row have in common."""
    section = project.settings.tables.get(table)
    return ["_fact_id", "_known_at"] if section is not None and section.known_at else ["_fact_id"]


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


def identity_columns(project: Project, table: str) -> list[str]:
    """The columns that identify a fact, and that of the moment it was known."""
    source = project.settings.source
    if table == OUTCOMES.name:
        return ["id", "known_at"]
    if table == source.table:
        return [source.id, source.known_at]
    section = project.settings.tables[table]
    return [*section.key, *([section.known_at] if section.known_at else [])]


def facts_of(
    project: Project,
    table: str,
    rows: pl.DataFrame,
    *,
    columns: Collection[str] | None = None,
    as_served: bool = False,
    delay: timedelta = timedelta(0),
) -> pl.DataFrame:
    """The facts in some rows of a table: `_fact_id`, `_known_at`, `_seen_at` (null: always visible), and the columns of
    the rows (those of them that are in `columns`), also those that are not declared any more. Where rows are later
    versions of others, `CORRECTED_AT` has the moment at which each was received, and `GONE` says which end a row.

    A fact is visible from the later of two moments: when it became known, and when it reached the project. For a row of
    a file the second is `delay` after the first; with `as_served`, that of the load. What a file corrects is known to a
    training when it was loaded, and to servers `LOAD_LEAD` later. The outcomes are facts of the source table.
    """
    source = project.settings.source
    if table in (source.table, OUTCOMES.name):
        id_column, known_at = (source.id, source.known_at) if table == source.table else ("id", "known_at")
        rows = rows if table == source.table else rows.filter(pl.col("verdict").is_in([*COUNTED]))
        identity = pl.col(id_column)
        names = [name for name in rows.columns if name not in {id_column, known_at, *_ADDED}]
        own = {source.known_at: pl.col(known_at).alias(source.known_at), **{name: pl.col(name) for name in names}}
        if not as_served and table == OUTCOMES.name and "predicted_at" in rows.columns:
            own[AS_OF] = pl.col("predicted_at").alias(AS_OF)
        if as_served and table == OUTCOMES.name and columns is None:
            own[OF_OUTCOME] = pl.lit(value=True).alias(OF_OUTCOME)
    else:
        section = project.settings.tables[table]
        known_at = section.known_at or ""
        identity = pl.concat_str([pl.col(column).cast(pl.String) for column in section.key], separator="\x1f")
        own = {column: pl.col(column) for column in rows.columns if column not in LOOP_COLUMNS}
    no_moment = pl.lit(None, MOMENT)
    known = pl.col(known_at) if known_at else no_moment
    received = pl.col("received_at") if "received_at" in rows.columns else no_moment
    seen = pl.max_horizontal(known, received)
    if not as_served and table != OUTCOMES.name:
        seen = pl.when(_is_of_file(rows)).then(known + delay).otherwise(seen)
    is_later = _is_later(rows, table)
    has_later = rows.select(is_later.any()).item()
    corrected_at = seen
    if not as_served and table != OUTCOMES.name:
        corrected_at = pl.when(_is(rows, Arrival.CORRECTION, Arrival.GONE)).then(seen - LOAD_LEAD).otherwise(seen)
    later = [pl.when(is_later).then(corrected_at).alias(CORRECTED_AT), _is(rows, Arrival.GONE).alias(GONE)]
    return rows.select(
        identity.alias("_fact_id"),
        known.alias("_known_at"),
        seen.alias("_seen_at"),
        *(later if has_later else []),
        *(column for name, column in own.items() if columns is None or name in columns),
    )


def _is_of_file(rows: pl.DataFrame) -> pl.Expr:
    """Which rows came with a file: those of a first load, of a file that had grown, or with more columns."""
    if "received_at" not in rows.columns:
        return pl.lit(value=True)
    if "received_as" not in rows.columns:
        return pl.col("received_at").is_null()
    return _is(rows, Arrival.FILE, Arrival.FILLED) | (pl.col("received_as").is_null() & pl.col("received_at").is_null())


def _is_later(rows: pl.DataFrame, table: str) -> pl.Expr:
    """Which rows are later versions of others."""
    if table == OUTCOMES.name:
        return pl.col("verdict") == Verdict.CORRECTED
    return _is(rows, *LATER)


def _is(rows: pl.DataFrame, *arrivals: Arrival) -> pl.Expr:
    """Which rows arrived in one of these ways."""
    if "received_as" not in rows.columns:
        return pl.lit(value=False)
    return pl.col("received_as").is_in(arrivals).fill_null(value=False)
