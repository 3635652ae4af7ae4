"""Accepting outcomes and facts: outcomes are judged, rows of tables checked, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from mlops_lab import clock
from mlops_lab.contracts.rules import first_broken
from mlops_lab.errors import Conflict, InvalidInput, NotFound
from mlops_lab.journal.records import FactRecord, OutcomeRecord, Record, SetAsideRecord
from mlops_lab.project import Project
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.answering.worker_state import WorkerState
from mlops_lab.tables.verdict import COUNTED, Verdict


@dataclass
class Acceptance:
    """The records to write, and the response for the client."""

    records: list[Record] = field(default_factory=list)
    response: dict[str, Any] = field(default_factory=dict)


class Acceptor:
    """Checks outcomes and facts against what a worker knows; changes nothing."""

    def __init__(self, project: Project, schemas: Schemas) -> None:
        self._source = project.settings.source
        self._tables = project.settings.tables
        self._schemas = schemas
        self._uses_wall_clock = project.settings.project.clock == "wall"
        self._is_shared = bool(project.settings.lake.uri)

    # ---- outcomes ------------------------------------------------------------------------------------------------

    def judge_outcomes(self, state: WorkerState, outcomes: Sequence[msgspec.Struct]) -> Acceptance:
        """The verdict on each outcome, counted, and those that were not accepted, with their index.

        InvalidInput where one was known before its prediction.
        """
        counts = dict.fromkeys((str(verdict) for verdict in Verdict), 0)
        problems: list[dict[str, str | None]] = []
        counted: dict[str, OutcomeRecord] = {}
        acceptance = Acceptance()
        for index, outcome in enumerate(outcomes):
            name: str = outcome.id  # type: ignore[attr-defined]
            known_at = outcome.known_at or _arrival(state, name, counted)  # type: ignore[attr-defined]
            values = {column: getattr(outcome, column) for column in self._schemas.outcome_names}
            earlier = (counted[name].known_at, counted[name].values) if name in counted else None
            earlier = earlier or state.prediction_index.outcome(name)
            verdict = state.prediction_index.judge(name, known_at, values, earlier=earlier)
            where = f"$.outcomes[{index}]"
            if verdict is Verdict.UNKNOWN and self._is_shared:
                problem: InvalidInput | None = _made_elsewhere(name, where)
            else:
                problem = _problem(verdict, name, where, within_days=self._source.outcome_within_days)
            if problem and verdict is Verdict.TOO_EARLY:
                raise problem
            if problem:
                problems.append(problem.as_dict())
            counts[verdict] += 1
            if verdict is not Verdict.DUPLICATE:
                prediction = state.read_prediction(name) if verdict in COUNTED else None
                corrected = earlier if verdict is Verdict.CORRECTED else None
                received_at = self._received(state, known_at)
                record = OutcomeRecord(name, known_at, str(verdict), values, prediction, received_at, corrected)
                acceptance.records.append(record)
                if verdict in COUNTED:
                    counted[name] = record
        acceptance.response = {"counts": counts, "problems": problems}
        return acceptance

    # ---- facts -----------------------------------------------------------------------------------------------------

    def check_facts(self, state: WorkerState, table: str, rows: Sequence[msgspec.Struct]) -> Acceptance:
        """The rows that are new. A row that is sent again is ignored, one that breaks the contract is set aside.

        One that has the key and the moment of another but different values corrects it, is ignored, or is a Conflict:
        as the table's `on_change` says. A row of the source table is a request that no server answered, with its
        outcome: a Conflict where a server did answer it.
        """
        known, on_change = self._schemas.known_at[table], self._on_change(table)
        fresh: dict[tuple[Any, ...], dict[str, Any]] = {}
        corrected: dict[tuple[Any, ...], dict[str, Any] | None] = {}
        aside: list[SetAsideRecord] = []
        problems: list[dict[str, str | None]] = []
        newest = state.facts.newest.get(table)
        for index, struct in enumerate(rows):
            row = {name: getattr(struct, name) for name in struct.__struct_fields__}
            is_predicted = table == self._source.table and state.prediction_index.contains(row[self._source.id])
            is_same = None if is_predicted else state.facts.is_same(table, row)
            if is_same:
                continue
            broken = self._first_broken(table, row, newest)
            if broken is not None:
                rule, column, text = broken
                content = msgspec.json.encode(row).decode()
                aside.append(SetAsideRecord(self._now(state, row, table), table, rule, column, text, content))
                problems.append(_broken_row(table, index, column, text).as_dict())
                continue
            newest = clock.latest(newest, row[known] if known else None)
            identity = self._schemas.identity(table, row)
            is_repeated = identity in fresh
            earlier = fresh.setdefault(identity, row)
            if is_same is False or earlier != row:
                if on_change == "refuse":
                    raise self._conflict(table, index)
                if on_change == "ignore":
                    if not is_repeated:
                        del fresh[identity]
                    continue
                fresh[identity] = row
                if is_same is False:
                    corrected[identity] = state.facts.rows[table].get(row)
            if table == self._source.table:
                self._check_source_row(row, index, is_predicted=is_predicted)
        facts = [
            FactRecord(table, row, self._received(state, row[known] if known else None), corrected.get(identity))
            for identity, row in fresh.items()
        ]
        response: dict[str, Any] = {"accepted": len(fresh), "duplicate": len(rows) - len(fresh) - len(aside)}
        if aside:
            response |= {"quarantined": len(aside), "problems": problems}
        return Acceptance([*facts, *aside], response)

    def _first_broken(self, table: str, row: Mapping[str, Any], newest: datetime | None) -> tuple[str, str, str] | None:
        """The rule that a row breaks, with its column and text; `newest` is the latest moment of the rows before."""
        rule = first_broken(self._schemas.rules[table], row)
        if rule is not None:
            return rule.name, rule.column, rule.text
        column = self._schemas.known_at[table]
        is_monotone = table in self._tables and self._tables[table].monotone
        if column and is_monotone and newest is not None and row[column] < newest:
            return "monotone", column, "never earlier than a row before"
        return None

    def _check_source_row(self, row: Mapping[str, Any], index: int, *, is_predicted: bool) -> None:
        name, where = row[self._source.id], f"$.rows[{index}].%s of table {self._source.table}"
        if is_predicted:
            raise Conflict(
                f'"{name}" is the id of a prediction: this row would count it twice',
                code="predicted_request",
                where=where % self._source.id,
                hint="send its outcome to /v1/outcomes, or with `mlops outcomes FILE`; nothing was changed",
            )
        if row[self._source.known_at] < row[self._source.time]:
            raise InvalidInput(
                f'the outcome of "{name}" was known before its request was made',
                code="outcome_too_early",
                where=where % self._source.known_at,
                hint="send the time at which the outcome became known; nothing was changed",
            )

    def _on_change(self, table: str) -> str:
        """What to do about a row with other values. One of the source table is corrected by its data file only."""
        if table in self._tables:
            return self._tables[table].on_change
        return "ignore" if self._source.on_change == "ignore" else "refuse"

    def _conflict(self, table: str, index: int) -> Conflict:
        is_source = table == self._source.table
        return Conflict(
            f"another row with this {'id' if is_source else 'key and this moment'} is already recorded",
            code="conflicting_fact",
            where=f"$.rows[{index}] of table {table}",
            hint="leave it out; or correct it in the data file, and take it over with `mlops run --accept-changes`"
            if is_source
            else "give it a later known_at; or, to have such rows count as corrections from when they arrive, set "
            f'on_change = "correct" in [tables.{table}]',
        )

    # ---- times ---------------------------------------------------------------------------------------------------

    def _now(self, state: WorkerState, row: Mapping[str, Any], table: str) -> datetime:
        """The time of something that arrives now: of the machine's clock, or the newest in the data."""
        column = self._schemas.known_at[table]
        if self._uses_wall_clock:
            return clock.now()
        return state.newest or (row[column] if column else None) or clock.EPOCH

    def _received(self, state: WorkerState, known_at: datetime | None) -> datetime | None:
        """The time at which a fact that arrives now counts as received; None where that is not after it was known.

        It is never before the time of a request that was answered already: that answer did not use the fact, and must
        not use it when its features are computed again.
        """
        received_at = clock.latest(state.newest, clock.now() if self._uses_wall_clock else None)
        return None if received_at is None or (known_at is not None and received_at <= known_at) else received_at


def _arrival(state: WorkerState, name: str, counted: Mapping[str, OutcomeRecord]) -> datetime:
    """When an outcome without `known_at` counts as known: when it first arrived, and not before its prediction, as the
    client's clock may be ahead."""
    if name in counted:
        return counted[name].known_at
    if (outcome := state.prediction_index.outcome(name)) is not None:
        return outcome[0]
    prediction = state.prediction_index.find(name)
    return max(clock.now(), prediction.at) if prediction else clock.now()


def _broken_row(table: str, index: int, column: str, text: str) -> InvalidInput:
    return InvalidInput(
        f"breaks the contract: {text}; the row is set aside",
        code="contract_breach",
        where=f"$.rows[{index}].{column} of table {table}",
        hint="`mlops quarantine` lists such rows; after fixing them, `mlops quarantine --replay` accepts them",
    )


def _made_elsewhere(name: str, where: str) -> InvalidInput:
    return NotFound(
        f'this server has not made the prediction "{name}"; the outcome is recorded',
        code="made_elsewhere",
        where=where,
        hint="nothing to do: it counts when the loop finds the prediction of another server; see the table `outcomes`",
    )


def _problem(verdict: Verdict, name: str, where: str, *, within_days: int) -> InvalidInput | None:
    if verdict is Verdict.CONFLICT:
        return Conflict(
            f'another outcome of "{name}" is already recorded; this one was refused and recorded as such',
            code="conflicting_outcome",
            where=where,
            hint="`mlops explain ID` shows the first; to correct it, send the outcome with a later known_at",
        )
    if verdict is Verdict.UNKNOWN:
        return NotFound(
            f'there is no prediction "{name}"; the outcome is recorded as unknown',
            code="unknown_prediction",
            where=where,
            hint="check the id; the `outcomes` table holds it with the verdict `unknown`",
        )
    if verdict is Verdict.TOO_LATE:
        return Conflict(
            f'the prediction "{name}" was made more than {within_days} days ago; the outcome is recorded as too late',
            code="outcome_too_late",
            where=where,
            hint="raise outcome_within_days in [source] where outcomes take longer; from then on they are accepted",
        )
    if verdict is Verdict.TOO_EARLY:
        return InvalidInput(
            f'the outcome of "{name}" was known before its prediction was made',
            code="outcome_too_early",
            where=f"{where}.known_at",
            hint="send the time at which the outcome became known; nothing was changed",
        )
    return None
