"""A fault in the days of a copy: injected, noticed, repaired a day later, and compared with the healthy twin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from mlops_lab.clock import days_after
from mlops_lab.drills.drill import Observed
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.harm import find_harmed, healthy_answers
from mlops_lab.drills.history import Facts
from mlops_lab.drills.play import ASKED, DrillReplay, Played, Sign, read_played, read_signs
from mlops_lab.rollout.decisions import Decision, DecisionKind

REPAIR_DAYS = 1
"""Whoever reads the sign repairs the cause within so many days."""


def _unchanged(facts: Facts, _since: datetime, _until: datetime) -> Facts:
    return facts


def _nothing(_replay: DrillReplay) -> None:
    """Nothing is done beside the change of the rows."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault: what it is in words, and which signs name it.

    `change` gives what is sent instead of the rows of the past, where the cause lasts from a moment until another one
    (until the end of the days, while nobody has noticed). `on_first_day` is called when the first day is over, before
    its tick. `tick_at` is the moment that the machine's clock shows. Decisions of the kinds `right` are no false
    actions. `ends_with`: the kinds of decision that end it; without any, its cause must be repaired.
    """

    words: str
    names: Callable[[Sign], bool]
    change: Callable[[Facts, datetime, datetime], Facts] = _unchanged
    on_first_day: Callable[[DrillReplay], None] = _nothing
    tick_at: Callable[[datetime], datetime] = lambda end: end
    right: frozenset[DecisionKind] = frozenset()
    ends_with: frozenset[DecisionKind] = frozenset()
    flags: Sequence[str] = ()


class _FaultReplay(DrillReplay):
    """A replay in which something is done when the first day is over."""

    do_next: Callable[[DrillReplay], None] = staticmethod(_nothing)

    def tick(self, end: datetime) -> list[Decision]:
        """The decisions of the tick after a day."""
        act, self.do_next = self.do_next, _nothing
        decided = len(self.loop.decisions)
        act(self)
        made = self.loop.decisions[decided:]
        return [*made, *super().tick(end)]


def play_fault(ground: Ground, fault: Fault) -> Observed:
    """What the system did about the fault, beside the healthy twin."""
    twin = ground.twin
    project = ground.fork(*fault.flags)
    since, never = ground.since, ground.stream(project, ground.history.facts).end + timedelta(days=366)
    usual = {sign.key for sign in twin.signs}
    sign: Sign | None = None
    until = never

    def changed() -> Facts:
        return fault.change(ground.history.facts, since, until)

    replay = _FaultReplay(project, ground.stream(project, changed()), tick_at=fault.tick_at)
    replay.do_next = fault.on_first_day
    with replay.serve() as client:
        for day in ground.days:
            ground.report(f"{fault.words}: {day}")
            replay.play_day(day, client)
            if sign is None:
                sign = _first_sign(read_signs(replay, since=since), fault, usual)
                if sign is not None:
                    until = _repaired_at(ground, day)
                    replay.stream = ground.stream(project, changed())
    played = read_played(replay, since=since)
    harmed = find_harmed(healthy_answers(twin, played), played.answers, ground.champion.task)
    return Observed(
        fault=fault.words,
        detected=sign.at - since if sign else None,
        detected_by=sign.text if sign else "",
        recovered=_recovered(ground, fault, played, harmed, until),
        requests=twin.answers.height,
        harmed=harmed.height,
        false_actions=find_false_actions(twin.decisions, played.decisions, right=fault.right),
    )


def _first_sign(signs: Sequence[Sign], fault: Fault, usual: set[tuple[str, str, str]]) -> Sign | None:
    return next((sign for sign in signs if sign.key not in usual and fault.names(sign)), None)


def _repaired_at(ground: Ground, day: date) -> datetime:
    """When the cause is repaired that was noticed at the end of a day."""
    _, end = ground.stream(ground.project, ground.history.facts).bounds(day)
    return days_after(end, REPAIR_DAYS, ground.project.timezone)


def _recovered(ground: Ground, fault: Fault, played: Played, harmed: pl.DataFrame, until: datetime) -> timedelta | None:
    """The time until the cause was gone and the last answer was harmed; None where either was not over a day before the
    end."""
    _, end = ground.stream(ground.project, ground.history.facts).bounds(ground.days[-1])
    gone: datetime | None = until
    if fault.ends_with:
        ends = (item.at for item in played.decisions if item.what in fault.ends_with and item.rule != ASKED)
        gone = next(ends, None)
    last = harmed["at"].max()
    over = max(gone, last) if gone is not None and isinstance(last, datetime) else gone
    if over is None or over > end or (isinstance(last, datetime) and last >= end - timedelta(days=1)):
        return None
    return over - ground.since


def find_false_actions(
    twin: Sequence[Decision], played: Sequence[Decision], *, right: frozenset[DecisionKind]
) -> list[str]:
    """The decisions that the healthy twin did not take, nor are right, by their kind and rule; a day sooner or later is
    no other decision."""
    more = Counter(map(_kind, played)) - Counter(map(_kind, twin))
    wrong = {_kind(decision) for decision in played if decision.what in right}
    return [f"{what} ({rule})" for what, rule in more.elements() if (what, rule) not in wrong]


def _kind(decision: Decision) -> tuple[str, str]:
    return str(decision.what), decision.rule
