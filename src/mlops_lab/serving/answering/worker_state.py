"""What a worker knows of the past: the predictions that wait for their outcome, and the facts that views look up.

It is a fold over the state that the loop prepared and the journals of all workers since then: restoring it and
following the other workers are the same. What is in a journal is in the memory, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import polars as pl

from mlops_lab.clock import from_micros, to_micros
from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.definition import View
from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.online import OnlineStore, make_fact_row
from mlops_lab.journal.frames import frame_bytes, frame_starts
from mlops_lab.journal.readers import Follower, FrameReader
from mlops_lab.journal.records import (
    RECORDS_A_FRAME,
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    PredictionSummary,
    Record,
    RecordSummary,
    RefusalRecord,
    ShadowRecord,
    decode_summaries,
    encode_frames,
    find_record,
)
from mlops_lab.journal.segments import read_journal
from mlops_lab.journal.workers import worker_paths
from mlops_lab.journal.writer import Journal
from mlops_lab.outcomes.prediction_index import Outcome, PredictionIndex
from mlops_lab.project import Project
from mlops_lab.serving.answering.routing_table import RoutingTable
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.tables.verdict import Verdict

PREDICTION_INDEX = "book"
"""The folder of a state that is read like a journal: predictions, then how they ended."""
_ROWS_AT_ONCE = 512
"""As Python objects, all rows of a state together would take much room that is never given back."""
_POSITION_BITS = 48  # of the 64 of a place; 4 are the record's number in its frame, the others the folder's
Kind = TypeVar("Kind", bound=Record)


class WorkerState:
    """The memory of one worker. Not thread-safe; another one may be built in a thread beside it."""

    def __init__(
        self, project: Project, doors: Schemas, *, deployment: RoutingTable, views: Sequence[View], own: Path
    ) -> None:
        self._project = project
        self._doors = doors
        source = project.settings.source
        self.book = PredictionIndex(within_days=source.outcome_within_days, read_outcome=self._read_outcome)
        self.store: OnlineStore = make_store(project, views)
        self.facts_seen: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {name: {} for name in doors.rows}
        self.newest_facts: dict[str, datetime] = {}
        """By table, the moment at which its newest row was known."""
        self.newest: datetime | None = None
        """The latest moment that was asked about."""
        self.unshadowed: dict[str, int] = {}
        """By id, the version in shadow that a killed worker has not come to: what a restored memory found."""
        state, journals = project.root / deployment.state, worker_paths(project.journal_path)
        self._folders = [state / PREDICTION_INDEX, *journals]
        self._own = self._folders.index(own)
        self._readers = list(map(FrameReader, self._folders))
        """Where the book's predictions and outcomes are found again, by the number of the folder."""
        self._early: list[tuple[str, int]] = []
        """Outcomes that were met before their predictions, which another worker wrote down."""
        self._followers: dict[Path, Follower] = {}
        try:
            self._load_facts(state)
            self._load_book(own)
            positions = dict(zip(journals, deployment.state_positions, strict=False))
            for path in journals:
                self._followers[path] = Follower(path, self._load_journal(path, positions.get(path, 0), own=own))
        except BaseException:
            self.close()
            raise

    # ---- the fold ------------------------------------------------------------------------------------------------

    def record(
        self, journal: Journal, records: Sequence[Record], *, moments: Sequence[int] = (), names: Sequence[str] = ()
    ) -> None:
        """Write records down and take them in; on an EnvironmentFault those that are in the journal nevertheless.

        `moments`: of records that may all be predictions, their moments in microseconds since 1970, if known; `names`:
        of features that are values alone.
        """
        payloads, before = list(encode_frames(records, names)), journal.position
        try:
            journal.append(payloads)
        except EnvironmentFault:
            for position, payload in read_journal(journal.path, before):
                self._take_in(self._own, position, payload)
            raise
        self._apply(records, self._places(self._own, payloads, before), moments=moments)

    def catch_up(self) -> None:
        """Take in what the journals say beyond what is known already."""
        for path, follower in self._followers.items():
            folder = self._folders.index(path)
            for position, payload in follower.read_new():
                self._take_in(folder, position, payload)
        for name, place in self._early:
            self.book.end(name, place)
        self._early.clear()

    def _take_in(self, folder: int, position: int, payload: bytes) -> list[RecordSummary]:
        """Take in the frame that ends at that position."""
        notes = decode_summaries(payload)
        self._apply(notes, self._places(folder, [payload], position - frame_bytes(len(payload))))
        return notes

    def _places(self, folder: int, payloads: Sequence[bytes], since: int) -> list[int]:
        """Where the records of these frames are found again: the folder, the frame's position, the number in it.

        As many for each frame: of the last ones there may be no record.
        """
        self._readers[folder].hold(since)
        first = folder << _POSITION_BITS
        starts = [(first + start) * RECORDS_A_FRAME for start in frame_starts(payloads, since)]
        return [start + number for start in starts for number in range(RECORDS_A_FRAME)]

    def _apply(
        self, records: Sequence[Record | RecordSummary], places: Sequence[int], *, moments: Sequence[int] = ()
    ) -> None:
        if not {*map(type, records)} <= {PredictionRecord, PredictionSummary}:
            for record, place in zip(records, places, strict=False):
                self._apply_one(record, place)
            return
        made = cast("Sequence[PredictionSummary]", records)
        moments = moments or [to_micros(record.at) for record in made]
        self.book.add([record.id for record in made], moments, places[: len(made)])
        self._note(from_micros(max(moments)))

    def _apply_one(self, record: Record | RecordSummary, place: int) -> None:
        match record:
            case PredictionRecord() | PredictionSummary():
                self._apply([record], [place])
            case RefusalRecord():
                self._note(record.at)
            case ShadowRecord():
                self.book.cast_shadow(record.id, place)
            case FactRecord():
                self._add_fact(record)
            case OutcomeRecord(verdict=Verdict.ACCEPTED):
                self._learn(record, place)
            case _:
                pass

    # ---- finding again -------------------------------------------------------------------------------------------

    def recall(self, name: str) -> PredictionRecord | None:
        """The recent prediction of that id, without its features. EnvironmentFault where it cannot be read."""
        found = self.book.find(name)
        if found is None:
            return None
        shadow: dict[str, Any] = {}
        if found.shadow_place is not None:
            said = self._read(found.shadow_place, ShadowRecord)
            shadow = {"shadow_version": said.version, "shadow_output": said.output}
        return msgspec.structs.replace(self._read(found.place, PredictionRecord), features={}, **shadow)

    def _read_outcome(self, place: int) -> Outcome:
        record = self._read(place, OutcomeRecord)
        return record.known_at, record.values

    def _read(self, place: int, kind: type[Kind]) -> Kind:
        frame, number = divmod(place, RECORDS_A_FRAME)
        folder, position = divmod(frame, 1 << _POSITION_BITS)
        record = find_record(self._readers[folder].read(position), number)
        assert isinstance(record, kind)
        return record

    # ---- the journals --------------------------------------------------------------------------------------------

    def take_over(self, own: Path) -> None:
        """Know all that the journals say by now; from now on only `record` adds to the worker's own."""
        self.catch_up()
        self._followers.pop(own).close()

    @property
    def others(self) -> list[Path]:
        """The journals of the other workers."""
        return list(self._followers)

    def close(self) -> None:
        """Let go of the journals."""
        for follower in self._followers.values():
            follower.close()
        for reader in self._readers:
            reader.close()

    # ---- restoring ---------------------------------------------------------------------------------------------

    def _load_book(self, own: Path) -> None:
        path = self._folders[0]
        if not path.is_dir():
            raise EnvironmentFault(
                "the state to start from is missing",
                code="state_missing",
                where=str(path),
                hint="run `mlops tick`: it is derived anew from the lake",
            )
        # the first worker casts what shadows are missing there: one is enough
        self._load_journal(path, 0, own=path if own == self._project.journal_path else own)

    def _load_journal(self, path: Path, since: int, *, own: Path) -> int:
        folder, reached = self._folders.index(path), since
        for reached, payload in read_journal(path, since):
            for note in self._take_in(folder, reached, payload):
                if path == own:
                    self._expect_shadow(note)
        return reached

    def _expect_shadow(self, note: RecordSummary) -> None:
        if isinstance(note, PredictionSummary) and note.shadow_version is not None and note.shadow_output is None:
            self.unshadowed[note.id] = note.shadow_version
        elif isinstance(note, ShadowRecord):
            self.unshadowed.pop(note.id, None)

    def _load_facts(self, state: Path) -> None:
        for path in sorted(state.glob("*.parquet")):
            table = path.stem
            columns = self._doors.rows[table].__struct_fields__ if table in self._doors.rows else ()
            for part in pl.read_parquet(path).iter_slices(_ROWS_AT_ONCE):
                rows = part.rows(named=True)
                self.store.add(
                    table, [make_fact_row(row, row["_known_at"], row["_seen_at"], row["_fact_id"]) for row in rows]
                )
                if columns:
                    for row in rows:
                        self._remember(table, {column: row[column] for column in columns})

    # ---- what a record changes -----------------------------------------------------------------------------------

    def _note(self, at: datetime) -> None:
        if self.newest is None or at > self.newest:
            self.newest = at

    def _learn(self, record: OutcomeRecord, place: int) -> None:
        if not self.book.end(record.id, place):
            self._early.append((record.id, place))
        if record.prediction is None:  # of a state, whose facts hold it
            return
        source = self._project.settings.source
        row = {**record.prediction.request, **record.values, "known_at": record.known_at}
        row[source.known_at] = record.known_at
        seen_at = record.received_at or record.known_at
        self.store.add(source.table, [make_fact_row(row, record.known_at, seen_at, record.id)])

    def _add_fact(self, fact: FactRecord) -> None:
        column = self._doors.known_at[fact.table]
        known_at = fact.row[column] if column else None
        self._remember(fact.table, fact.row)
        name = fact_id(self._doors.keys[fact.table], fact.row)
        self.store.add(fact.table, [make_fact_row(fact.row, known_at, fact.received_at or known_at, name)])

    def _remember(self, table: str, row: dict[str, Any]) -> None:
        self.facts_seen[table][self._doors.identity(table, row)] = row
        column = self._doors.known_at[table]
        if column and (newest := later(self.newest_facts.get(table), row[column])) is not None:
            self.newest_facts[table] = newest


def fact_id(key: Sequence[str], row: Mapping[str, Any]) -> str:
    """The name of a fact among those of its moment: its key as text."""
    return "\x1f".join(str(row[column]) for column in key)


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two moments; the other where one is None."""
    return max((moment for moment in (one, other) if moment is not None), default=None)


def make_store(project: Project, views: Sequence[View]) -> OnlineStore:
    """The store that mlops.toml names, empty or shared; EnvironmentFault where it does not answer."""
    url = project.settings.serving.online_store
    if url == "memory":
        return MemoryStore(views)
    try:
        from mlops_lab.features.redis import RedisStore  # 0.2 s that only its users should pay
    except ImportError:
        raise EnvironmentFault(
            "the package `redis` is not installed",
            code="no_redis",
            where="mlops.toml, key serving.online_store",
            hint="pip install 'mlops-lab[redis]', or set online_store = \"memory\"",
        ) from None
    keep = timedelta(days=project.settings.source.outcome_within_days)
    store = RedisStore(url, project=project.name, views=views, keep=keep)
    store.open()
    return store
