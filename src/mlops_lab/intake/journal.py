"""Moving the journal into the lake, each record exactly once."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from mlops_lab.contracts.fields import polars_schema
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.intake.digests import DIGESTED, digest_existing, write_digests
from mlops_lab.intake.frames import (
    fact_frame,
    outcome_frame,
    prediction_frame,
    refusal_frame,
    set_aside_frame,
    shadow_frame,
)
from mlops_lab.intake.unfit import JOURNAL, Types, has_table, make_rows, read_records, set_record_aside
from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    Record,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
)
from mlops_lab.journal.workers import read_positions, worker_paths, writer_of
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT
from mlops_lab.tables.declared import LOG_DIGESTS, OUTCOMES, PREDICTIONS, QUARANTINE, REFUSALS, SHADOWS
from mlops_lab.tables.facts import LOOP_COLUMNS
from mlops_lab.tables.fields import table_fields
from mlops_lab.tables.table import Table
from mlops_lab.tables.verdict import Verdict


def ingest_journal(project: Project, lake: Lake) -> tuple[int, ...]:
    """Move the records written since the last time into the lake; the position reached in each worker's journal.

    Each table stores the position of its last row in its own commit, so a kill between two tables neither loses a row
    nor adds one twice. `predictions` is written last, even without rows: its position says that all tables are done.
    `log_digests` is written first: it tells what the others must hold. A record that cannot be a row is set aside.
    """
    with _ingest_lock(project):
        paths = worker_paths(project.journal_path)
        positions = tuple(_ingest(project, lake, path, writer=writer_of(worker)) for worker, path in enumerate(paths))
        digest_existing(lake)
        if positions != read_positions(project.positions_path):
            try:
                write_atomically(project.positions_path, msgspec.json.encode(positions), durable=False)
            except OSError as error:
                raise disk_fault(error, project.positions_path) from error
        return positions


@contextmanager
def _ingest_lock(project: Project) -> Iterator[None]:
    """Held by one process at a time: two that read the same frames would both append them."""
    try:
        project.home.mkdir(exist_ok=True)
        with (project.home / "ingest.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise disk_fault(error, project.home) from error


class _Batch(NamedTuple):
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


class _Rows(NamedTuple):
    """The rows of a table, each with its position in the journal."""

    table: str
    time: str | None
    positions: pl.Series
    frame: pl.DataFrame

    def after(self, position: int) -> pl.DataFrame:
        """The rows after a position."""
        return self.frame.filter(self.positions > position)


def _ingest(project: Project, lake: Lake, path: Path, *, writer: str) -> int:
    since = PREDICTIONS.position(lake, writer)
    records = list(read_records(path, since))
    if not records:
        return since
    position = (writer, records[-1][0])
    aside: list[tuple[int, SetAsideRecord]] = []
    *others, predictions = [_make_rows(batch, aside) for batch in _batches(project, lake, records, aside)]
    others.append(_make_rows(_quarantine(records, aside), aside))
    if LOG_DIGESTS.exists(lake):
        _write_digests(lake, {rows.table: rows for rows in (*others, predictions)}, since=since, position=position)
    with ThreadPoolExecutor(max_workers=4) as pool:  # delta-rs works outside the GIL
        list(pool.map(lambda rows: _append_new(lake, rows, position=position), others))
    PREDICTIONS.append(lake, predictions.after(since), position=position)
    return position[1]


def _write_digests(lake: Lake, rows: Mapping[str, _Rows], *, since: int, position: tuple[str, int]) -> None:
    """The digests of the rows that have none: all, but for those of an intake that was killed after writing theirs."""
    writer, end = position
    first = max(since, LOG_DIGESTS.position(lake, writer))
    added = {table: rows[table].after(first) for table in DIGESTED}
    write_digests(lake, added, writer=writer, first=first, last=end)


def _batches(
    project: Project,
    lake: Lake,
    records: Sequence[tuple[int, Record]],
    aside: list[tuple[int, SetAsideRecord]],
) -> list[_Batch]:
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
) -> _Batch:
    fixed, stored, declared = table.fixed_columns, lake.schema(table.name), table.schema(project)
    types = {name: (declared[name], stored.get(name, declared[name])) for name in fixed}
    return _Batch(table.name, table.time, items, to_frame, types)


def _fact_batch(project: Project, lake: Lake, table: str, items: list[tuple[int, Any]]) -> _Batch:
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
    return _Batch(table, time, items, partial(fact_frame, fields), types, required, is_new)


def _is_new_to_source(project: Project, lake: Lake, rows: pl.DataFrame) -> pl.Series:
    """Which rows of the source table are no requests whose outcome is in the lake: a server does not remember all of
    them, and a data file may have brought some meanwhile."""
    key, table = project.settings.source.id, project.settings.source.table
    known = lake.read(table, columns=[key])[key] if lake.exists(table) else rows[key].clear()
    if OUTCOMES.exists(lake):
        outcomes = OUTCOMES.read(lake, columns=["id", "verdict"])
        known = known.append(outcomes.filter(pl.col("verdict") == Verdict.ACCEPTED)["id"])
    return ~rows[key].is_in(known.implode())


def _quarantine(records: Sequence[tuple[int, Record]], aside: list[tuple[int, SetAsideRecord]]) -> _Batch:
    """What servers set aside, and what could not be moved into its table."""
    set_aside = [(position, record) for position, record in records if isinstance(record, SetAsideRecord)]
    items = sorted([*set_aside, *aside], key=lambda item: item[0])
    return _Batch(QUARANTINE.name, QUARANTINE.time, items, set_aside_frame, {})


def _make_rows(batch: _Batch, aside: list[tuple[int, SetAsideRecord]]) -> _Rows:
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
    return _Rows(batch.table, batch.time, positions, frame)


def _append_new(lake: Lake, rows: _Rows, *, position: tuple[str, int]) -> None:
    new = rows.after(lake.position(rows.table, position[0]))
    if new.height:
        new = _without_empty(new, stored=lake.schema(rows.table))
        lake.append(rows.table, new, time=rows.time, position=position)


def _without_empty(rows: pl.DataFrame, *, stored: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The rows without the fields that neither they nor the table have: these stay new to the table until its data file
    is loaded, which may have values for all rows."""
    if not stored:
        return rows
    return rows.select(
        column
        for column in rows.iter_columns()
        if column.name in stored or column.name in LOOP_COLUMNS or column.null_count() < rows.height
    )
