"""Moving the journal into the lake, each record exactly once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import msgspec
import polars as pl

from mlops_lab.errors import EnvironmentFault, Refused
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.intake.batches import Rows, make_batches, make_rows_of, quarantine_batch
from mlops_lab.intake.digests import DIGESTED, digest_existing, write_digests
from mlops_lab.intake.elsewhere import judge_unknown, settle
from mlops_lab.intake.journal_faults import count_damage, report_faults, report_older_tables, report_undone
from mlops_lab.intake.logged_ids import index_ids
from mlops_lab.intake.unfit import read_records
from mlops_lab.journal.epochs import positions_until, read_epochs
from mlops_lab.journal.records import Record, SetAsideRecord
from mlops_lab.journal.segments import segments
from mlops_lab.journal.workers import Progress, read_progress, worker_paths
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake
from mlops_lab.lake.object_store import UNREACHABLE
from mlops_lab.project import Project
from mlops_lab.rollout.journal_positions import (
    JournalLog,
    incomplete_mark,
    is_older,
    journal_logs,
    last_epoch_mark,
    version_marks,
    writer_in,
)
from mlops_lab.tables.declared import LOG_DIGESTS, OUTCOMES, PREDICTIONS, QUARANTINE, REFUSALS, SHADOWS
from mlops_lab.tables.facts import LOOP_COLUMNS
from mlops_lab.tables.open_lake import read_undone

_WAIT_SECONDS = 40.0
"""Longer than a machine that has died keeps the lock of the intake."""
_RECORDS_AT_ONCE = 20_000
"""So many records are moved at once, so that a backlog takes no more memory the longer it is."""


def ingest_journal(project: Project, lake: Lake) -> tuple[int, ...]:
    """Move the records written since the last time into the lake; the position reached in each worker's journal.

    Each table stores the position of its last row in its own commit, so a kill between two tables neither loses a row
    nor adds one twice. `predictions` is written last, even without rows: its position says that all tables are done.
    `log_digests` is written first: it tells what the others must hold. A record that cannot be a row is set aside, and
    so are damaged bytes. Where the journal is not the one that was read before, or a table is older than it was, an
    alert says so, and the intake goes on from what both of them hold: see `journal.epochs`.
    """
    with ingest_lock(project, lake):
        if lake.commits.is_shared:
            lake.refresh()
            index_ids(project, lake)  # with what other machines have brought
        logs, older = journal_logs(project, lake), _older_tables(project, lake)
        report_undone(logs, read_undone(project))
        if older and PREDICTIONS.exists(lake):
            report_older_tables(logs, [table for table in older if table not in read_undone(project)])
            _note(lake, [incomplete_mark(table) for table in older])  # until all workers' journals were read again
        positions = tuple(_ingest(log, older) for log in logs)
        if older and PREDICTIONS.exists(lake):
            _note(lake, version_marks(lake, older))
        project.undone_path.unlink(missing_ok=True)
        digest_existing(lake, also=[position for log in logs for position in _reached(log)])
        index_ids(project, lake)
        if lake.commits.is_shared and judge_unknown(project, lake):
            index_ids(project, lake)
        _write_progress(project, lake, positions)
        return positions


def ingest_if_reachable(project: Project, lake: Lake) -> bool:
    """The same, for whoever can go on without it: False where the store of the lake is away, or another machine keeps
    the intake busy. What the journals hold stays there."""
    try:
        ingest_journal(project, lake)
    except (EnvironmentFault, Refused) as error:
        if not lake.commits.is_shared or error.code not in {UNREACHABLE, "loop_locked"}:
            raise
        return False
    return True


def ingest_log(log: JournalLog) -> int:
    """Move into the lake what it lacks of a journal of another machine; the position reached. Only with the lock of the
    intake held."""
    index_ids(log.project, log.lake)
    reached = _ingest(log, ())
    index_ids(log.project, log.lake)
    return reached


def recover_journals(project: Project) -> None:
    """Remove what a killed server left incomplete, and begin an epoch in each journal: it is clear then where the
    journals end, before anybody reads them. EnvironmentFault where a server is running."""
    for path in worker_paths(project.journal_path):
        Journal(path).close()


def _write_progress(project: Project, lake: Lake, positions: tuple[int, ...]) -> None:
    """Tell the server how far the intake has come."""
    before = read_progress(project.positions_path)
    if positions == before.positions:
        return
    try:
        progress = msgspec.json.encode(Progress(positions, count_damage(lake)))
        write_atomically(project.positions_path, progress, durable=False)
    except OSError as error:
        raise disk_fault(error, project.positions_path) from error


@contextmanager
def ingest_lock(project: Project, lake: Lake) -> Iterator[None]:
    """Held by one process at a time, on all machines that share the lake: two that read the same frames would both
    append them, and tables are changed otherwise only while nothing is appended."""
    try:
        project.home.mkdir(exist_ok=True)
        with (project.home / "ingest.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with lake.commits.shared_lock("ingest", wait_seconds=_WAIT_SECONDS):
                yield
    except OSError as error:
        raise disk_fault(error, project.home) from error


def _older_tables(project: Project, lake: Lake) -> list[str]:
    """The tables that lack what they had when `predictions` was written last."""
    own = [OUTCOMES.name, REFUSALS.name, SHADOWS.name, QUARANTINE.name]
    digests = [LOG_DIGESTS.name] if LOG_DIGESTS.exists(lake) else []
    fed = [*own, *digests, project.settings.source.table, *project.settings.tables]
    undone = read_undone(project)
    return [table for table in fed if table in undone or is_older(lake, table)]


def _note(lake: Lake, marks: Sequence[tuple[str, int]]) -> None:
    """Store marks in `predictions`, without rows."""
    PREDICTIONS.append(lake, pl.DataFrame(schema=lake.schema(PREDICTIONS.name)), also=marks)


def _ingest(log: JournalLog, older: Sequence[str]) -> int:
    """Move what is new in one journal, and what the older tables lack of it; the position reached."""
    reached = log.resumption(PREDICTIONS.name).position
    first = min(segments(log.path), default=0)
    since = min([reached, *(max(log.resumption(table).position, first) for table in older)])
    end = reached
    for records in _in_pieces(read_records(log.path, since)):
        if log.machine is None:
            report_faults(log, records)
        if records:
            end = _move(log, records, _span(log, since, records[-1][0]), older=older, reached=reached)
            since = end
    return end


def _in_pieces(records: Iterable[tuple[int, Record]]) -> Iterator[list[tuple[int, Record]]]:
    """The records in pieces that fit into memory, however many there are; the last one may be empty. A frame, whose
    records share a position, is in one piece."""
    piece: list[tuple[int, Record]] = []
    for _, frame in groupby(records, key=itemgetter(0)):
        piece += frame
        if len(piece) >= _RECORDS_AT_ONCE:
            yield piece
            piece = []
    yield piece


def _move(
    log: JournalLog, records: Sequence[tuple[int, Record]], span: _Span, *, older: Sequence[str], reached: int
) -> int:
    """Move a piece of a journal, of which `predictions` holds all up to `reached`; the position at its end."""
    project, lake = log.project, log.lake
    aside: list[tuple[int, SetAsideRecord]] = []
    if lake.commits.is_shared:
        records = settle(project, lake, records, aside, reached=reached)
    *others, predictions = [make_rows_of(batch, aside) for batch in make_batches(project, lake, records, aside)]
    others.append(make_rows_of(quarantine_batch(records, aside), aside))
    if LOG_DIGESTS.exists(lake):
        _write_digests(log, {rows.table: rows for rows in (*others, predictions)}, span)
    with ThreadPoolExecutor(max_workers=4) as pool:  # delta-rs works outside the GIL
        appended = list(pool.map(lambda rows: _append_new(log, rows, span), others))
    changed = {table for table in (*appended, LOG_DIGESTS.name) if table not in {"", *older} and lake.exists(table)}
    marks = [last_epoch_mark(log, span.epoch), *version_marks(lake, sorted(changed))]
    if span.end > reached:
        PREDICTIONS.append(lake, predictions.after(reached), position=span.last, also=[*span.also, *marks])
    return span.end


def _reached(log: JournalLog) -> list[tuple[str, int]]:
    """What a table stores that holds all of a journal that `predictions` holds."""
    found = log.resumption(PREDICTIONS.name)
    return [(writer_in(found.epoch, worker=log.worker), found.position)] if found.is_known else []


class _Span(NamedTuple):
    """A part of a journal: where it begins, and the positions, up to its end, that tables store once they hold it."""

    since: int
    positions: list[tuple[str, int]]
    epoch: str

    @property
    def last(self) -> tuple[str, int]:
        return self.positions[-1]

    @property
    def also(self) -> list[tuple[str, int]]:
        return self.positions[:-1]

    @property
    def end(self) -> int:
        return self.last[1]


def _span(log: JournalLog, since: int, until: int) -> _Span:
    """The part of a journal that was just read: an epoch may have begun meanwhile."""
    positions = positions_until(read_epochs(log.path), since, until)
    stored = [(writer_in(epoch, worker=log.worker), position) for epoch, position in positions]
    return _Span(since, stored, positions[-1].epoch)


def _write_digests(log: JournalLog, rows: Mapping[str, Rows], span: _Span) -> None:
    """The digests of the rows that have none: all, but for those of an intake that was killed after writing theirs."""
    first = max(span.since, log.resumption(LOG_DIGESTS.name).position)
    added = {table: rows[table].after(first) for table in DIGESTED}
    writer, end = span.last
    write_digests(log.lake, added, writer=writer, first=first, last=end, also=span.also)


def _append_new(log: JournalLog, rows: Rows, span: _Span) -> str:
    """Append the rows that the table does not have; its name, or nothing where there are none."""
    new = rows.after(log.resumption(rows.table).position)
    if not new.height:
        return ""
    new = _without_empty(new, stored=log.lake.schema(rows.table))
    log.lake.append(rows.table, new, time=rows.time, position=span.last, also=span.also)
    return rows.table


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
