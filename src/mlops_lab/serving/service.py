"""What the server does, without HTTP: answer, accept outcomes and facts, follow the routing table."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab import clock
from mlops_lab.contracts.fields import Field, make_struct, parse_fields
from mlops_lab.contracts.rules import first_broken, rules_of
from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput, NotFound
from mlops_lab.features.definition import View
from mlops_lab.features.online import MemoryStore, Store, timed_row
from mlops_lab.ids import new_id
from mlops_lab.outcomes.book import Book
from mlops_lab.outcomes.fields import told_fields
from mlops_lab.outcomes.judge import Verdict
from mlops_lab.project import Project
from mlops_lab.registry.engine import Output
from mlops_lab.serving.deployment import Deployment, Live
from mlops_lab.serving.journal import Journal, read_journal
from mlops_lab.serving.predictor import FeatureReader, Inputs, Predictor, views_of
from mlops_lab.serving.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    RefusalRecord,
    SetAsideRecord,
    decode_record,
    encode_record,
)

BOOK_FILE = "book.msgpack"
_NOT_KEPT: dict[str, Any] = {}  # the book needs no features, and outcomes carry what the book holds


def fact_id(key: Sequence[str], row: Mapping[str, Any]) -> str:
    """The name of a fact among those of its moment: its key as text."""
    return "\x1f".join(str(row[column]) for column in key)


def bucket(key: str) -> float:
    """A number in [0, 1) that is always the same for the same key: who is in the canary's share."""
    return zlib.crc32(key.encode()) / 2**32


class LiveModels:
    """The versions of a deployment, with what computes their features."""

    def __init__(self, deployment: Deployment, root: Path, known: Mapping[str, Predictor]) -> None:
        self.deployment = deployment
        self.champion = _load(deployment.champion, root, known)
        self.challenger = _load(deployment.challenger, root, known) if deployment.challenger else None

    @property
    def predictors(self) -> list[Predictor]:
        """Champion first."""
        return [self.champion, *([self.challenger] if self.challenger else [])]

    def by_fingerprint(self) -> dict[str, Predictor]:
        """The loaded versions by the fingerprint of their package."""
        lives = [self.deployment.champion, *([self.deployment.challenger] if self.deployment.challenger else [])]
        return {_loaded_key(live): predictor for live, predictor in zip(lives, self.predictors, strict=True)}


def _loaded_key(live: Live) -> str:
    return f"{live.version}:{live.fingerprint}"


def _load(live: Live, root: Path, known: Mapping[str, Predictor]) -> Predictor:
    found = known.get(_loaded_key(live))
    return found or Predictor(root / live.package, version=live.version, fingerprint=live.fingerprint)


class Service:
    """One server's state and what it may do. Not thread-safe: the event loop calls it."""

    def __init__(self, project: Project, deployment: Deployment) -> None:
        source = project.settings.source
        self.project = project
        self._key_columns = {name: table.key for name, table in project.settings.tables.items()}
        self._known_at_columns = {name: table.known_at for name, table in project.settings.tables.items()}
        request_fields = parse_fields(source.request, where="source.request")
        if project.timed_by_arrival:
            request_fields = (*request_fields, Field(source.time, "datetime", nullable=True))
        outcome_fields = parse_fields(source.outcome, where="source.outcome")
        self.request_type = make_struct("Request", request_fields, past=[source.time], id=str)
        self.outcome_type = make_struct("Outcome", told_fields(project), past=["known_at"])
        self._fields = {
            name: parse_fields(table.fields, where=f"tables.{name}") for name, table in project.settings.tables.items()
        }
        self._rules = {name: rules_of(fields) for name, fields in self._fields.items()}
        self.row_types = {
            name: make_struct(
                name,
                self._fields[name],
                past=[table.known_at] if table.known_at else [],
                strict=False,  # a row that breaks a rule is set aside, and the others are taken in
            )
            for name, table in project.settings.tables.items()
        }
        self._columns = {name: kind.__struct_fields__ for name, kind in self.row_types.items()}
        self._time = source.time
        self._outcome_names = [field.name for field in outcome_fields]
        self._book: Book[PredictionRecord]
        self._store: Store
        self._facts_seen: dict[str, dict[tuple[Any, ...], dict[str, Any]]]
        self._newest_facts: dict[str, datetime]  # by table, the moment at which its newest row was known
        self._wall = project.settings.project.clock == "wall"
        self._newest: datetime | None = None  # the latest moment that was asked about
        self.counted: Counter[tuple[str, str, str]] = Counter()
        self.models = LiveModels(deployment, project.root, {})
        self.journal = Journal(project.journal_path, fsync=project.settings.serving.durability == "fsync")
        self._restore()  # after the journal is ours: nobody can write what this would miss

    # ---- answering -------------------------------------------------------------------------------------------

    def predict(self, requests: Sequence[msgspec.Struct]) -> list[PredictionRecord | InvalidInput]:
        """The answers to some decoded requests, in order, written to the journal before they are returned.

        A request whose id was answered before gets the same answer again; with another content, a Conflict. One that
        the champion's views refuse gets no answer, and that is written down too.
        """
        rows = [self._as_dict(request) for request in requests]
        fresh: dict[str, dict[str, Any]] = {}
        for name, row in rows:
            if self._book.find(name) is None:
                fresh.setdefault(name, {**row, self._time: row[self._time] or clock.now()})
        made = {record.id: record for record in self._answer(fresh)} if fresh else {}
        answers: list[PredictionRecord | InvalidInput] = []
        for name, row in rows:
            record = made.get(name) or self._book.find(name)
            assert record is not None
            if record.request != {**row, self._time: row[self._time] or record.request[self._time]}:
                answers.append(_other_request(name))
            else:
                answers.append(_refusal(record) if isinstance(record, RefusalRecord) else record)
        return answers

    def _answer(self, requests: Mapping[str, dict[str, Any]]) -> list[PredictionRecord | RefusalRecord]:
        rows = list(requests.values())
        inputs = {version: reader.read(rows) for version, reader in self._readers.items()}
        scored = [
            (predictor, predictor.score_rows([row.values for row in inputs[predictor.features.version]]))
            for predictor in self.models.predictors
        ]
        records = [self._route(name, rows[index], index, scored, inputs) for index, name in enumerate(requests)]
        self.journal.append([encode_record(record) for record in records])
        for record in records:
            self._count(record)
            self._note(record)
        return records

    def _note(self, record: PredictionRecord | RefusalRecord) -> None:
        if isinstance(record, PredictionRecord):
            self._book.add(msgspec.structs.replace(record, features=_NOT_KEPT))
        if self._newest is None or record.at > self._newest:
            self._newest = record.at

    def _count(self, record: PredictionRecord | RefusalRecord) -> None:
        if isinstance(record, RefusalRecord):
            self.counted["refused", record.view, record.reason] += 1
            return
        self.counted["answered", str(record.version), record.role] += 1
        for view, reason in record.missing.items():
            self.counted["missing", view, reason] += 1

    def _route(
        self,
        name: str,
        request: dict[str, Any],
        index: int,
        scored: list[tuple[Predictor, list[Output]]],
        inputs: Mapping[str, list[Inputs]],
    ) -> PredictionRecord | RefusalRecord:
        deployment = self.models.deployment
        champion, challenger = scored[0], scored[1] if len(scored) > 1 else None
        found = inputs[champion[0].features.version][index]
        if found.refused_by is not None:
            reason = found.missing[found.refused_by]
            version = champion[0].version
            return RefusalRecord(name, request[self._time], version, found.refused_by, reason, request)
        if challenger and inputs[challenger[0].features.version][index].refused_by is not None:
            challenger = None
        # the salt draws each rollout's share anew; within one rollout a key always meets the same version
        canary = (
            challenger
            and bucket(f"{challenger[0].version}/{self._sticky_key(name, request)}") < deployment.canary_share
        )
        (answering, outputs), shadow = (challenger, champion) if challenger and canary else (champion, challenger)
        found = inputs[answering.features.version][index]
        if _is_nan(outputs[index]):
            return RefusalRecord(name, request[self._time], answering.version, "", "no_answer", request)
        return PredictionRecord(
            id=name,
            at=request[self._time],
            version=answering.version,
            role="canary" if canary else "champion",
            output=outputs[index],
            shadow_version=shadow[0].version if shadow else None,
            shadow_output=shadow[1][index] if shadow else None,
            request=request,
            features=dict(zip(answering.features.inputs, found.values, strict=True)),
            missing=found.missing,
        )

    def _sticky_key(self, name: str, request: Mapping[str, Any]) -> str:
        column = self.project.settings.source.key
        value = request[column] if column else None
        return name if value is None else str(value)

    def _as_dict(self, request: msgspec.Struct) -> tuple[str, dict[str, Any]]:
        row = msgspec.structs.asdict(request)
        return row.pop("id") or new_id(), row

    # ---- learning what happened --------------------------------------------------------------------------------

    def accept_outcomes(self, outcomes: Sequence[msgspec.Struct]) -> dict[str, Any]:
        """Judge outcomes, write them down, and let views see the accepted ones.

        The result counts each verdict and lists what was not accepted, with its place. InvalidInput, and nothing
        changes, where one was known before its prediction.
        """
        counts = dict.fromkeys((str(verdict) for verdict in Verdict), 0)
        problems: list[dict[str, str | None]] = []
        records: dict[str, OutcomeRecord] = {}
        written: list[OutcomeRecord] = []
        for index, outcome in enumerate(outcomes):
            name: str = outcome.id  # type: ignore[attr-defined]
            known_at = outcome.known_at or self._arrival(name, records)  # type: ignore[attr-defined]
            values = {column: getattr(outcome, column) for column in self._outcome_names}
            verdict = self._book.judge(name, known_at, values)
            if verdict is Verdict.ACCEPTED and name in records:
                first = records[name]
                same = (first.known_at, first.values) == (known_at, values)
                verdict = Verdict.DUPLICATE if same else Verdict.CONFLICT
            problem = _problem(verdict, name, f"$.outcomes[{index}]")
            if problem and verdict is Verdict.TOO_EARLY:
                raise problem
            if problem:
                problems.append(problem.as_dict())
            counts[verdict] += 1
            if verdict is not Verdict.DUPLICATE:
                prediction = self._book.find(name) if verdict is Verdict.ACCEPTED else None
                received_at = self._received(known_at)
                record = OutcomeRecord(name, known_at, str(verdict), values, prediction, received_at)
                written.append(record)
                if verdict is Verdict.ACCEPTED:
                    records[name] = record
        if written:
            self.journal.append([encode_record(record) for record in written])
        for record in records.values():
            self._learn(record)
        return {"counts": counts, "problems": problems}

    def _arrival(self, name: str, records: Mapping[str, OutcomeRecord]) -> datetime:
        """When an outcome is taken to be known that does not say so: when it first came, and not before its prediction,
        whose client's clock may go before ours."""
        before = records[name].known_at if name in records else self._book.known_at(name)
        made = self._book.find(name)
        return before or (max(clock.now(), made.at) if made else clock.now())

    def accept_facts(self, table: str, rows: Sequence[msgspec.Struct]) -> dict[str, Any]:
        """Take in rows of a table. The same row again is ignored, one that breaks the contract is set aside; Conflict,
        and nothing changes, where a row has the key and the moment of another but says something else."""
        seen = self._facts_seen[table]
        fresh: dict[tuple[Any, ...], dict[str, Any]] = {}
        aside: list[SetAsideRecord] = []
        problems: list[dict[str, str | None]] = []
        newest = self._newest_facts.get(table)
        for index, struct in enumerate(rows):
            row = {name: getattr(struct, name) for name in struct.__struct_fields__}
            if seen.get(self._identity(table, row)) == row:
                continue
            broken = self._first_broken(table, row, newest)
            if broken is not None:
                rule, field, text = broken
                content = msgspec.json.encode(row).decode()
                aside.append(SetAsideRecord(self._now(row, table), table, rule, field, text, content))
                problems.append(_broken_row(table, index, field, text).as_dict())
                continue
            known = self._known_at_columns[table]
            newest = _later(newest, row[known] if known else None)
            identity = self._identity(table, row)
            earlier = fresh.get(identity) or seen.get(identity)
            if earlier is not None and earlier != row:
                raise Conflict(
                    "another row with this key and this moment is already recorded",
                    code="conflicting_fact",
                    where=f"$.rows[{index}] of table {table}",
                    hint="a correction needs a later known_at: what was known at a moment is never rewritten",
                )
            if earlier is None:
                fresh[identity] = row
        column = self._known_at_columns[table]
        facts = [FactRecord(table, row, self._received(row[column] if column else None)) for row in fresh.values()]
        if facts or aside:
            self.journal.append([encode_record(record) for record in (*facts, *aside)])
        self._add_facts(facts)
        told: dict[str, Any] = {"accepted": len(fresh), "duplicate": len(rows) - len(fresh) - len(aside)}
        return {**told, "quarantined": len(aside), "problems": problems} if aside else told

    def _first_broken(self, table: str, row: Mapping[str, Any], newest: datetime | None) -> tuple[str, str, str] | None:
        """The rule that a row breaks, its column and its text; `newest` is the latest moment of those before."""
        rule = first_broken(self._rules[table], row)
        if rule is not None:
            return rule.name, rule.column, rule.text
        column = self._known_at_columns[table]
        if column and self.project.settings.tables[table].monotone and newest is not None and row[column] < newest:
            return "monotone", column, "never earlier than a row before"
        return None

    def _now(self, row: Mapping[str, Any], table: str) -> datetime:
        """The moment of something that arrives now: the wall's, or what the data says."""
        column = self._known_at_columns[table]
        return clock.now() if self._wall else self._newest or (row[column] if column else None) or clock.EPOCH

    def row_type(self, table: str) -> type[msgspec.Struct]:
        """The struct of a table's rows; NotFound names the tables there are."""
        if table not in self.row_types:
            raise NotFound(
                f'there is no table "{table}"',
                code="unknown_table",
                where=f"/v1/tables/{table}/rows",
                hint=f"the tables that take rows: {', '.join(sorted(self.row_types)) or 'none'}",
            )
        return self.row_types[table]

    def _received(self, known_at: datetime | None) -> datetime | None:
        """When a fact that arrives now is taken to have reached us; None where that is no later than it was known.

        Never before a moment that was answered about already: what was answered did not see it, and must not seem to
        have done so when it is computed again.
        """
        moments = [moment for moment in (self._newest, clock.now() if self._wall else None) if moment is not None]
        received_at = max(moments, default=None)
        return None if received_at is None or (known_at is not None and received_at <= known_at) else received_at

    def _learn(self, record: OutcomeRecord) -> None:
        assert record.prediction is not None
        self._book.end(record.id, record.known_at, record.values)
        row = {**record.prediction.request, **record.values, "known_at": record.known_at}
        row[self.project.settings.source.known_at] = record.known_at
        seen_at = record.received_at or record.known_at
        self._store.add(self.project.settings.source.table, [timed_row(row, record.known_at, seen_at, record.id)])

    def _add_facts(self, facts: Sequence[FactRecord]) -> None:
        for fact in facts:
            column = self._known_at_columns[fact.table]
            known_at = fact.row[column] if column else None
            self._remember(fact.table, fact.row)
            name = fact_id(self._key_columns[fact.table], fact.row)
            self._store.add(fact.table, [timed_row(fact.row, known_at, fact.received_at or known_at, name)])

    def _remember(self, table: str, row: dict[str, Any]) -> None:
        self._facts_seen[table][self._identity(table, row)] = row
        column = self._known_at_columns[table]
        if column and (newest := _later(self._newest_facts.get(table), row[column])) is not None:
            self._newest_facts[table] = newest

    def _identity(self, table: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
        column = self._known_at_columns[table]
        key = tuple(row[name] for name in self._key_columns[table])
        return (*key, row[column]) if column else key

    # ---- following the routing table -----------------------------------------------------------------------------

    def deploy(self, deployment: Deployment) -> None:
        """Answer by another routing table from now on. On an error the present one stays."""
        models = LiveModels(deployment, self.project.root, self.models.by_fingerprint())
        present = self.models, self._book, self._store, self._facts_seen, self._newest_facts, self._newest
        fresh_state = deployment.state != self.models.deployment.state
        self.models = models
        try:
            if fresh_state:
                self._restore()
            else:
                self._readers = self._make_readers()
        except Exception:
            self.models, self._book, self._store, self._facts_seen, self._newest_facts, self._newest = present
            raise

    def _make_readers(self) -> dict[str, FeatureReader]:
        return {
            predictor.features.version: FeatureReader(predictor, self._store) for predictor in self.models.predictors
        }

    def _restore(self) -> None:
        """Build the book and the store from the state that the loop prepared and the journal since then."""
        deployment = self.models.deployment
        state = self.project.root / deployment.state
        book = Book[PredictionRecord](within_days=self.project.settings.source.outcome_within_days)
        self._newest = None
        self._book, self._store = book, make_store(self.project, list(views_of(self.models.predictors).values()))
        self._facts_seen = {name: {} for name in self.row_types}
        self._newest_facts = {}
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
            if isinstance(record, PredictionRecord):
                self._note(record)
            elif isinstance(record, OutcomeRecord):
                book.end(record.id, record.known_at, record.values)
        for _, payload in read_journal(self.project.journal_path, deployment.state_position):
            record = decode_record(payload)
            if isinstance(record, PredictionRecord | RefusalRecord):
                self._note(record)
            elif isinstance(record, FactRecord):
                self._add_facts([record])
            elif isinstance(record, OutcomeRecord) and record.prediction is not None:
                self._learn(record)
        self._readers = self._make_readers()

    def _load_facts(self, state: Path) -> None:
        source = self.project.settings.source
        for path in sorted(state.glob("*.parquet")):
            rows = list(pl.read_parquet(path).iter_rows(named=True))
            self._store.add(
                path.stem, [timed_row(row, row["_known_at"], row["_seen_at"], row["_fact_id"]) for row in rows]
            )
            if path.stem != source.table:
                for row in rows:
                    kept = {column: row[column] for column in self._columns[path.stem]}
                    self._remember(path.stem, kept)

    @property
    def pending(self) -> int:
        """The number of recent predictions that wait for their outcome."""
        return self._book.pending


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


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _is_nan(output: Output) -> bool:
    return any(map(math.isnan, output)) if isinstance(output, list) else math.isnan(output)


def _refusal(record: RefusalRecord) -> InvalidInput:
    if not record.view:
        nothing = ", ".join(name for name, value in record.request.items() if value is None)
        return InvalidInput(
            f"the model of version {record.version} has no answer to this request",
            code="no_answer",
            where=f"fields without a value: {nothing}" if nothing else "$",
            hint="send all fields; or let the pipeline fill what is missing (SimpleImputer), and train anew",
        )
    return InvalidInput(
        f'view "{record.view}" knows nothing of it ({record.reason}), and refuses then',
        code="missing_features",
        where=f"view {record.view}",
        hint="send what is known of it first, or declare defaults: missing={...} in pipeline.py",
    )


def _broken_row(table: str, index: int, column: str, text: str) -> InvalidInput:
    return InvalidInput(
        f"breaks the contract: {text}; the row is set aside",
        code="contract_breach",
        where=f"$.rows[{index}].{column} of table {table}",
        hint="`mlops quarantine` lists such rows; after the mend, `mlops quarantine --replay` brings them in",
    )


def _other_request(name: str) -> Conflict:
    return Conflict(
        f'the id "{name}" was answered before, for another request',
        code="id_reused",
        where="$.id",
        hint="give each request an id of its own, or none",
    )


def _problem(verdict: Verdict, name: str, where: str) -> InvalidInput | None:
    if verdict is Verdict.CONFLICT:
        return Conflict(
            f'another outcome of "{name}" is already recorded; this one was refused and recorded as such',
            code="conflicting_outcome",
            where=where,
            hint="`mlops explain ID` shows the first; the truth about a prediction is accepted once",
        )
    if verdict is Verdict.UNKNOWN:
        return NotFound(
            f'there is no recent prediction "{name}"; the outcome is kept aside',
            code="unknown_prediction",
            where=where,
            hint="check the id; the `outcomes` table keeps it with the verdict `unknown`",
        )
    if verdict is Verdict.TOO_EARLY:
        return InvalidInput(
            f'the outcome of "{name}" was known before its prediction was made',
            code="outcome_too_early",
            where=f"{where}.known_at",
            hint="send the moment at which the truth became known; nothing was changed",
        )
    return None
