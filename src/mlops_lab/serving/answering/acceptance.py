"""Learning what happened: outcomes are judged, rows of tables sorted out, before anything is written down."""

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
from mlops_lab.serving.answering.worker_state import WorkerState, later
from mlops_lab.tables.verdict import Verdict


@dataclass
class Acceptance:
    """What to write down, and what the client is told."""

    records: list[Record] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)


class Acceptor:
    """Judges what comes in by what a memory holds; changes nothing."""

    def __init__(self, project: Project, doors: Schemas) -> None:
        self._tables = project.settings.tables
        self._doors = doors
        self._wall = project.settings.project.clock == "wall"

    # ---- outcomes ------------------------------------------------------------------------------------------------

    def judge_outcomes(self, memory: WorkerState, outcomes: Sequence[msgspec.Struct]) -> Acceptance:
        """Each outcome's verdict, counted, and what was not accepted, with its place. InvalidInput where one was known
        before its prediction."""
        counts = dict.fromkeys((str(verdict) for verdict in Verdict), 0)
        problems: list[dict[str, str | None]] = []
        accepted: dict[str, OutcomeRecord] = {}
        judged = Acceptance()
        for index, outcome in enumerate(outcomes):
            name: str = outcome.id  # type: ignore[attr-defined]
            known_at = outcome.known_at or _arrival(memory, name, accepted)  # type: ignore[attr-defined]
            values = {column: getattr(outcome, column) for column in self._doors.outcome_names}
            verdict = memory.book.judge(name, known_at, values)
            if verdict is Verdict.ACCEPTED and name in accepted:
                first = accepted[name]
                same = (first.known_at, first.values) == (known_at, values)
                verdict = Verdict.DUPLICATE if same else Verdict.CONFLICT
            problem = _problem(verdict, name, f"$.outcomes[{index}]")
            if problem and verdict is Verdict.TOO_EARLY:
                raise problem
            if problem:
                problems.append(problem.as_dict())
            counts[verdict] += 1
            if verdict is not Verdict.DUPLICATE:
                prediction = memory.recall(name) if verdict is Verdict.ACCEPTED else None
                received_at = self._received(memory, known_at)
                record = OutcomeRecord(name, known_at, str(verdict), values, prediction, received_at)
                judged.records.append(record)
                if verdict is Verdict.ACCEPTED:
                    accepted[name] = record
        judged.told = {"counts": counts, "problems": problems}
        return judged

    # ---- facts -----------------------------------------------------------------------------------------------------

    def sort_facts(self, memory: WorkerState, table: str, rows: Sequence[msgspec.Struct]) -> Acceptance:
        """The rows that are new. The same row again is ignored, one that breaks the contract is set aside; Conflict
        where a row has the key and the moment of another but says something else."""
        seen, known = memory.facts_seen[table], self._doors.known_at[table]
        fresh: dict[tuple[Any, ...], dict[str, Any]] = {}
        aside: list[SetAsideRecord] = []
        problems: list[dict[str, str | None]] = []
        newest = memory.newest_facts.get(table)
        for index, struct in enumerate(rows):
            row = {name: getattr(struct, name) for name in struct.__struct_fields__}
            identity = self._doors.identity(table, row)
            if seen.get(identity) == row:
                continue
            broken = self._first_broken(table, row, newest)
            if broken is not None:
                rule, column, text = broken
                content = msgspec.json.encode(row).decode()
                aside.append(SetAsideRecord(self._now(memory, row, table), table, rule, column, text, content))
                problems.append(_broken_row(table, index, column, text).as_dict())
                continue
            newest = later(newest, row[known] if known else None)
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
        facts = [
            FactRecord(table, row, self._received(memory, row[known] if known else None)) for row in fresh.values()
        ]
        told: dict[str, Any] = {"accepted": len(fresh), "duplicate": len(rows) - len(fresh) - len(aside)}
        if aside:
            told |= {"quarantined": len(aside), "problems": problems}
        return Acceptance([*facts, *aside], told)

    def _first_broken(self, table: str, row: Mapping[str, Any], newest: datetime | None) -> tuple[str, str, str] | None:
        """The rule that a row breaks, its column and its text; `newest` is the latest moment of those before."""
        rule = first_broken(self._doors.rules[table], row)
        if rule is not None:
            return rule.name, rule.column, rule.text
        column = self._doors.known_at[table]
        if column and self._tables[table].monotone and newest is not None and row[column] < newest:
            return "monotone", column, "never earlier than a row before"
        return None

    # ---- when ----------------------------------------------------------------------------------------------------

    def _now(self, memory: WorkerState, row: Mapping[str, Any], table: str) -> datetime:
        """The moment of something that arrives now: the wall's, or what the data says."""
        column = self._doors.known_at[table]
        return clock.now() if self._wall else memory.newest or (row[column] if column else None) or clock.EPOCH

    def _received(self, memory: WorkerState, known_at: datetime | None) -> datetime | None:
        """When a fact that arrives now is taken to have reached us; None where that is no later than it was known.

        Never before a moment that was answered about already: what was answered did not see it, and must not seem to
        have done so when it is computed again.
        """
        moments = [moment for moment in (memory.newest, clock.now() if self._wall else None) if moment is not None]
        received_at = max(moments, default=None)
        return None if received_at is None or (known_at is not None and received_at <= known_at) else received_at


def _arrival(memory: WorkerState, name: str, accepted: Mapping[str, OutcomeRecord]) -> datetime:
    """When an outcome is taken to be known that does not say so: when it first came, and not before its prediction,
    whose client's clock may go before ours."""
    if name in accepted:
        return accepted[name].known_at
    if (outcome := memory.book.outcome(name)) is not None:
        return outcome[0]
    made = memory.book.find(name)
    return max(clock.now(), made.at) if made else clock.now()


def _broken_row(table: str, index: int, column: str, text: str) -> InvalidInput:
    return InvalidInput(
        f"breaks the contract: {text}; the row is set aside",
        code="contract_breach",
        where=f"$.rows[{index}].{column} of table {table}",
        hint="`mlops quarantine` lists such rows; after the mend, `mlops quarantine --replay` brings them in",
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
