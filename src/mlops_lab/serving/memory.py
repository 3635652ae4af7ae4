"""What a worker knows of the past: the predictions that wait for their outcome, and the facts that views look up.

It is a fold over the state that the loop prepared and the journals of all workers since then: restoring it and
following the other workers are the same. What is in a journal is in the memory, and the other way round.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab.clock import to_micros
from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.definition import View
from mlops_lab.features.online import MemoryStore, Store, timed_row
from mlops_lab.outcomes.book import Book
from mlops_lab.project import Project
from mlops_lab.registry.engine import Output
from mlops_lab.serving.deployment import Deployment
from mlops_lab.serving.doors import Doors
from mlops_lab.serving.journal import Follower, Journal, read_journal, worker_paths
from mlops_lab.serving.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    Record,
    RefusalRecord,
    ShadowRecord,
    decode_record,
    encode_record,
)

BOOK_FILE = "book.msgpack"
_ROWS_AT_ONCE = 512
"""As Python objects, all rows of a state together would take much room that is never given back."""
_encode = msgspec.msgpack.Encoder().encode
_Packed = tuple[int, int | str, Output, list[Any], dict[str, str], int | None, Output | None]
_decode = msgspec.msgpack.Decoder(_Packed).decode
_ROLES = ("champion", "canary", "arm")
_ROLE_NUMBERS = {role: number for number, role in enumerate(_ROLES)}


class Memory:
    """The memory of one worker. Not thread-safe; another one may be built in a thread beside it."""

    def __init__(
        self, project: Project, doors: Doors, *, deployment: Deployment, views: Sequence[View], own: Path
    ) -> None:
        self._project = project
        self._doors = doors
        source = project.settings.source
        self.book = Book(within_days=source.outcome_within_days)
        self._time_place = doors.names.index(source.time)
        self._untimed = [name for name in doors.names if name != source.time]
        self.store: Store = make_store(project, views)
        self.facts_seen: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {name: {} for name in doors.rows}
        self.newest_facts: dict[str, datetime] = {}
        """By table, the moment at which its newest row was known."""
        self.newest: datetime | None = None
        """The latest moment that was asked about."""
        self.unshadowed: dict[str, int] = {}
        """By id, the version in shadow that a killed worker has not come to: what a restored memory found."""
        self._followers: dict[Path, Follower] = {}
        self._restore(deployment, own)

    # ---- the fold ------------------------------------------------------------------------------------------------

    def apply(self, record: Record) -> None:
        """Take in what a journal says."""
        match record:
            case PredictionRecord():
                self.add_predictions([record])
            case RefusalRecord():
                self._note(record.at)
            case ShadowRecord():
                if (made := self.recall(record.id)) is not None:
                    self.book.replace(made.id, made.at, self._pack(made, record))
            case FactRecord():
                self._add_fact(record)
            case OutcomeRecord(prediction=PredictionRecord()):
                self._learn(record)
            case _:
                pass

    def add_predictions(self, made: Sequence[PredictionRecord]) -> None:
        """Expect the outcomes of some predictions; at least one."""
        pack = self._pack
        self.book.add_all([(record.id, to_micros(record.at), pack(record)) for record in made])
        self._note(max([record.at for record in made]))

    def recall(self, name: str) -> PredictionRecord | None:
        """The recent prediction of that id, without its features."""
        found = self.book.find(name)
        if found is None:
            return None
        version, role, output, values, missing, beside, said = _decode(found.content)
        values.insert(self._time_place, found.at)
        request = dict(zip(self._doors.names, values, strict=True))
        role = role if isinstance(role, str) else _ROLES[role]
        return PredictionRecord(name, found.at, version, role, output, request, {}, missing, beside, said)

    def _pack(self, record: PredictionRecord, shadow: ShadowRecord | None = None) -> bytes:
        """A prediction as the book keeps it: no features, no names, its moment once. There are millions."""
        beside, said = (shadow.version, shadow.output) if shadow else (record.shadow_version, record.shadow_output)
        values = list(map(record.request.get, self._untimed))
        role = _ROLE_NUMBERS.get(record.role, record.role)
        return _encode((record.version, role, record.output, values, record.missing, beside, said))

    def record(self, journal: Journal, records: Sequence[Record]) -> None:
        """Write records down and take them in; on an EnvironmentFault those that are in the journal nevertheless."""
        before = journal.position
        try:
            journal.append([encode_record(record) for record in records])
        except EnvironmentFault:
            with contextlib.closing(Follower(journal.path, before)) as follower:
                records = [decode_record(payload) for payload in follower.read_new()]
            raise
        finally:
            made = [record for record in records if type(record) is PredictionRecord]
            if made:
                self.add_predictions(made)
            for record in records:
                if type(record) is not PredictionRecord:
                    self.apply(record)

    def catch_up(self) -> None:
        """Take in what the journals say beyond what is known already."""
        for follower in self._followers.values():
            for payload in follower.read_new():
                self.apply(decode_record(payload))

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

    # ---- restoring ---------------------------------------------------------------------------------------------

    def _restore(self, deployment: Deployment, own: Path) -> None:
        state = self._project.root / deployment.state
        self._load_facts(state)
        try:
            remembered = msgspec.msgpack.decode((state / BOOK_FILE).read_bytes(), type=list[bytes])
        except OSError as error:
            raise EnvironmentFault(
                f"cannot be read: {error.strerror}",
                code="state_missing",
                where=str(state / BOOK_FILE),
                hint="run `mlops tick`: it is derived anew from the lake",
            ) from None
        for payload in remembered:
            record = decode_record(payload)
            if isinstance(record, OutcomeRecord):
                self.book.end(record.id, record.known_at, record.values)
            else:
                self.apply(record)
                if own == self._project.journal_path:  # one worker is enough
                    self._expect(record)
        for worker, path in enumerate(worker_paths(self._project.journal_path)):
            positions = deployment.state_positions
            reached = positions[worker] if worker < len(positions) else 0
            for position, payload in read_journal(path, reached):
                self.apply(record := decode_record(payload))
                if path == own:
                    self._expect(record)
                reached = position
            self._followers[path] = Follower(path, reached)

    def _expect(self, record: Record) -> None:
        if isinstance(record, PredictionRecord) and record.shadow_version is not None and record.shadow_output is None:
            self.unshadowed[record.id] = record.shadow_version
        elif isinstance(record, ShadowRecord):
            self.unshadowed.pop(record.id, None)

    def _load_facts(self, state: Path) -> None:
        for path in sorted(state.glob("*.parquet")):
            table = path.stem
            columns = self._doors.rows[table].__struct_fields__ if table in self._doors.rows else ()
            for part in pl.read_parquet(path).iter_slices(_ROWS_AT_ONCE):
                rows = part.rows(named=True)
                self.store.add(
                    table, [timed_row(row, row["_known_at"], row["_seen_at"], row["_fact_id"]) for row in rows]
                )
                if columns:
                    for row in rows:
                        self._remember(table, {column: row[column] for column in columns})

    # ---- what a record changes -----------------------------------------------------------------------------------

    def _note(self, at: datetime) -> None:
        if self.newest is None or at > self.newest:
            self.newest = at

    def _learn(self, record: OutcomeRecord) -> None:
        assert record.prediction is not None
        source = self._project.settings.source
        self.book.end(record.id, record.known_at, record.values)
        row = {**record.prediction.request, **record.values, "known_at": record.known_at}
        row[source.known_at] = record.known_at
        seen_at = record.received_at or record.known_at
        self.store.add(source.table, [timed_row(row, record.known_at, seen_at, record.id)])

    def _add_fact(self, fact: FactRecord) -> None:
        column = self._doors.known_at[fact.table]
        known_at = fact.row[column] if column else None
        self._remember(fact.table, fact.row)
        name = fact_id(self._doors.keys[fact.table], fact.row)
        self.store.add(fact.table, [timed_row(fact.row, known_at, fact.received_at or known_at, name)])

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


def make_store(project: Project, views: Sequence[View]) -> Store:
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
