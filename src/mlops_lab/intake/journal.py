"""Moving the journal into the lake, each record exactly once."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

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
from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    Record,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
    decode_frame,
)
from mlops_lab.journal.segments import read_journal
from mlops_lab.journal.workers import read_positions, worker_paths, writer_of
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.arrival import Arrival
from mlops_lab.tables.declared import LOG_DIGESTS, OUTCOMES, PREDICTIONS, QUARANTINE, REFUSALS, SHADOWS
from mlops_lab.tables.fields import table_fields
from mlops_lab.tables.verdict import Verdict


def ingest_journal(project: Project, lake: Lake) -> tuple[int, ...]:
    """Move the records written since the last time into the lake; the position reached in each worker's journal.

    Each table stores the position of its last row in its own commit, so a kill between two tables neither loses a row
    nor adds one twice. `predictions` is written last, even without rows: its position says that all tables are done.
    `log_digests` is written first: it tells what the others must hold.
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


@dataclass(frozen=True)
class _Batch:
    """Items of one table, each with its position in the journal, and the function that makes rows of them."""

    table: str
    time: str | None
    items: list[tuple[int, Any]]
    to_frame: Callable[[list[Any]], pl.DataFrame]
    _frames: dict[int, pl.DataFrame] = field(default_factory=dict)

    def rows_after(self, position: int) -> pl.DataFrame:
        """The rows of the items after a position. Made once for the same items: their digests are taken, too."""
        new = [item for lsn, item in self.items if lsn > position]
        if len(new) not in self._frames:
            self._frames[len(new)] = self.to_frame(new)
        return self._frames[len(new)]


def _ingest(project: Project, lake: Lake, path: Path, *, writer: str) -> int:
    since = PREDICTIONS.position(lake, writer)
    records = [(lsn, record) for lsn, payload in read_journal(path, since) for record in decode_frame(payload)]
    if not records:
        return since
    position = (writer, records[-1][0])
    batches = _batches(project, lake, records)
    predictions = [(lsn, record) for lsn, record in records if isinstance(record, PredictionRecord)]
    to_frame = partial(prediction_frame, project, known=lake.schema(PREDICTIONS.name))
    log = _Batch(PREDICTIONS.name, PREDICTIONS.time, predictions, to_frame)
    if LOG_DIGESTS.exists(lake):
        _write_digests(lake, {batch.table: batch for batch in (*batches, log)}, since=since, position=position)
    with ThreadPoolExecutor(max_workers=4) as pool:  # delta-rs works outside the GIL
        list(pool.map(lambda batch: _append_new(lake, batch, position=position), batches))
    PREDICTIONS.append(lake, log.rows_after(since), position=position)
    return position[1]


def _write_digests(lake: Lake, batches: Mapping[str, _Batch], *, since: int, position: tuple[str, int]) -> None:
    """The digests of the items that have none: all, but for those of an intake that was killed after writing theirs."""
    writer, end = position
    first = max(since, LOG_DIGESTS.position(lake, writer))
    added = {table: batches[table].rows_after(first) for table in DIGESTED}
    write_digests(lake, added, writer=writer, first=first, last=end)


def _batches(project: Project, lake: Lake, records: Sequence[tuple[int, Record]]) -> list[_Batch]:
    """The records by table, without the predictions."""

    def of_kind(kind: type[Record]) -> list[tuple[int, Any]]:
        return [(lsn, record) for lsn, record in records if isinstance(record, kind)]

    batches = [
        _Batch(OUTCOMES.name, OUTCOMES.time, of_kind(OutcomeRecord), partial(outcome_frame, project)),
        _Batch(REFUSALS.name, REFUSALS.time, of_kind(RefusalRecord), partial(refusal_frame, project)),
        _Batch(SHADOWS.name, SHADOWS.time, of_kind(ShadowRecord), partial(shadow_frame, project)),
        _Batch(QUARANTINE.name, QUARANTINE.time, of_kind(SetAsideRecord), set_aside_frame),
    ]
    facts: dict[str, list[tuple[int, Any]]] = {}
    for lsn, record in of_kind(FactRecord):
        arrival = Arrival.SENT if record.corrected is None else Arrival.CORRECTION
        row = {**record.row, "received_at": record.received_at, "received_as": str(arrival)}
        facts.setdefault(record.table, []).append((lsn, row))
    fields, source = table_fields(project), project.settings.source
    for name, rows in facts.items():  # a table may not be declared any more: its rows stay readable
        to_frame = partial(fact_frame, fields.get(name, ()))
        if name == source.table:
            batches.append(_Batch(name, source.known_at, rows, partial(_new_source_rows, project, lake, to_frame)))
        else:
            time = project.settings.tables[name].known_at if name in project.settings.tables else None
            batches.append(_Batch(name, time, rows, to_frame))
    return batches


def _new_source_rows(
    project: Project, lake: Lake, to_frame: Callable[[list[Any]], pl.DataFrame], rows: list[Any]
) -> pl.DataFrame:
    """The rows of the source table, without requests whose outcome is in the lake: a server does not remember all of
    them, and a data file may have brought some meanwhile."""
    key = project.settings.source.id
    known = lake.read(project.settings.source.table, columns=[key])[key]
    if OUTCOMES.exists(lake):
        outcomes = OUTCOMES.read(lake, columns=["id", "verdict"])
        known = known.append(outcomes.filter(pl.col("verdict") == Verdict.ACCEPTED)["id"])
    return to_frame(rows).filter(~pl.col(key).is_in(known.implode()))


def _append_new(lake: Lake, batch: _Batch, *, position: tuple[str, int]) -> None:
    done = lake.position(batch.table, position[0])
    rows = batch.rows_after(done)
    if rows.height:
        lake.append(batch.table, rows, time=batch.time, position=position)
