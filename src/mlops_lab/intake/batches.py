"""The records of a journal by table, and the rows that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple

import polars as pl

from mlops_lab.contracts.fields import polars_schema
from mlops_lab.intake.frames import (
    fact_frame,
    outcome_frame,
    prediction_frame,
    refusal_frame,
    set_aside_frame,
    shadow_frame,
)
from mlops_lab.intake.journal_faults import JOURNAL
from mlops_lab.intake.unfit import Types, has_table, make_rows, set_record_aside
from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    Record,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
)
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, QUARANTINE, REFUSALS, SHADOWS
from mlops_lab.tables.fields import table_fields
from mlops_lab.tables.table import Table
from mlops_lab.tables.verdict import Verdict


class Batch(NamedTuple):
    """Records of one table, each with its position in the journal, and the function that makes rows of them.

    `types` are those that a column may have, where the table needs certain ones; `required` are never null; `is_new`
    says which rows are not in the table by another way.
    """

    table: str
    time: str | None
    items: list[tuple[int, Any]]
    to_frame: Callable[[list[Any]], pl.DataFrame]
    types: Types
    required: Collection[str] = ()
    is_new: Callable[[pl.DataFrame], pl.Series] | None = None


class Rows(NamedTuple):
    """The rows of a table, each with its position in the journal."""

    table: str
    time: str | None
    positions: pl.Series
    frame: pl.DataFrame

    def after(self, position: int) -> pl.DataFrame:
        """The rows after a position."""
        return self.frame.filter(self.positions > position)


def make_batches(
    project: Project,
    lake: Lake,
    records: Sequence[tuple[int, Record]],
    aside: list[tuple[int, SetAsideRecord]],
) -> list[Batch]:
    """The records by table, the predictions last; rows of what is no table are added to `aside`."""

    def of_kind(kind: type[Record]) -> list[tuple[int, Any]]:
        return [(position, record) for position, record in records if isinstance(record, kind)]

    known = lake.schema(PREDICTIONS.name)
    batches = [
        _batch(project, lake, OUTCOMES, of_kind(OutcomeRecord), partial(outcome_frame, project)),
        _batch(project, lake, REFUSALS, of_kind(RefusalRecord), partial(refusal_frame, project)),
        _batch(project, lake, SHADOWS, of_kind(ShadowRecord), partial(shadow_frame, project)),
    ]
    facts: dict[str, list[tuple[int, Any]]] = {}
    for position, record in of_kind(FactRecord):
        if has_table(project, record):
            facts.setdefault(record.table, []).append((position, record))
        else:
            aside.append((position, set_record_aside(record, JOURNAL, f'"{record.table}" is no table')))
    batches += [_fact_batch(project, lake, table, items) for table, items in facts.items()]
    to_frame = partial(prediction_frame, project, known=known)
    return [*batches, _batch(project, lake, PREDICTIONS, of_kind(PredictionRecord), to_frame)]


def _batch(
    project: Project,
    lake: Lake,
    table: Table,
    items: list[tuple[int, Any]],
    to_frame: Callable[[list[Any]], pl.DataFrame],
) -> Batch:
    fixed, stored, declared = table.fixed_columns, lake.schema(table.name), table.schema(project)
    types = {name: (declared[name], stored.get(name, declared[name])) for name in fixed}
    return Batch(table.name, table.time, items, to_frame, types)


def _fact_batch(project: Project, lake: Lake, table: str, items: list[tuple[int, Any]]) -> Batch:
    """A table may not be declared any more: its rows stay readable."""
    source, section = project.settings.source, project.settings.tables.get(table)
    fields = table_fields(project).get(table, ())
    stored, declared = lake.schema(table), polars_schema(tuple(fields))
    is_source = table == source.table
    time = source.known_at if is_source else section.known_at if section else None
    key = [*([source.id] if is_source else section.key if section else []), *([time] if time else [])]
    fixed = [name for name in key if name in stored or not stored]  # else these rows are from before it was the key
    types: dict[str, Sequence[pl.DataType]] = {
        name: (declared[name], stored.get(name, declared[name])) for name in fixed
    }
    types["received_at"] = (MOMENT,)
    is_new = partial(_is_new_to_source, project, lake) if is_source else None
    required = [name for name in fixed if not any(field.name == name and field.nullable for field in fields)]
    return Batch(table, time, items, partial(fact_frame, fields), types, required, is_new)


def _is_new_to_source(project: Project, lake: Lake, rows: pl.DataFrame) -> pl.Series:
    """Which rows of the source table are no requests whose outcome is in the lake: a server does not remember all of
    them, and a data file may have brought some meanwhile."""
    key, table = project.settings.source.id, project.settings.source.table
    known = lake.read(table, columns=[key])[key] if lake.exists(table) else rows[key].clear()
    if OUTCOMES.exists(lake):
        outcomes = OUTCOMES.read(lake, columns=["id", "verdict"])
        known = known.append(outcomes.filter(pl.col("verdict") == Verdict.ACCEPTED)["id"])
    return ~rows[key].is_in(known.implode())


def quarantine_batch(records: Sequence[tuple[int, Record]], aside: list[tuple[int, SetAsideRecord]]) -> Batch:
    """What servers set aside, and what could not be moved into its table."""
    set_aside = [(position, record) for position, record in records if isinstance(record, SetAsideRecord)]
    items = sorted([*set_aside, *aside], key=lambda item: item[0])
    return Batch(QUARANTINE.name, QUARANTINE.time, items, set_aside_frame, {})


def make_rows_of(batch: Batch, aside: list[tuple[int, SetAsideRecord]]) -> Rows:
    """The rows of a batch; the records that cannot be rows are added to `aside`."""
    fit, frame, unfit = make_rows(
        batch.items,
        lambda items: batch.to_frame([item for _, item in items]),
        types=batch.types,
        required=batch.required,
    )
    aside += [(position, set_record_aside(record, batch.table, reason)) for (position, record), reason in unfit]
    positions = pl.Series([position for position, _ in fit], dtype=pl.Int64)
    if batch.is_new is not None:
        is_new = batch.is_new(frame)
        positions, frame = positions.filter(is_new), frame.filter(is_new)
    return Rows(batch.table, batch.time, positions, frame)
