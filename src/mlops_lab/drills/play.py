"""Playing days of a copy with its real server and loop, and noting what came of it instead of stopping at refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import polars as pl

from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.project import Project
from mlops_lab.replay.client import Client, StatusAndBody
from mlops_lab.replay.driver import Replay
from mlops_lab.replay.stopwatch import Stopwatch
from mlops_lab.replay.stream import Stream
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tables.declared import PREDICTIONS

BACK = frozenset({DecisionKind.REFUSE, DecisionKind.ROLL_BACK, DecisionKind.EXPIRE})
"""The decisions that take a version back, or let it go no further."""
ASKED = "asked"
"""The rule of what a person has decided."""


@dataclass(frozen=True)
class Sign:
    """Something that the system said: an alert, the refusal of a request or of rows, or of a candidate. `rule` and
    `about` are what makes it the same as another one."""

    at: datetime
    kind: str
    rule: str
    about: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same sign as another one."""
        return self.kind, self.rule, self.about


@dataclass(frozen=True)
class Played:
    """What came of some days: the `answers` as they were logged, the decisions, and the signs, oldest first.

    `all_decisions` has those before these days, too: they name the packages of all versions.
    """

    project: Project
    answers: pl.DataFrame
    decisions: Sequence[Decision]
    signs: Sequence[Sign]
    all_decisions: Sequence[Decision]


class DrillReplay(Replay):
    """A replay that notes what is refused, and goes on. `tick_at` is the moment that the machine's clock shows when a
    day is over."""

    def __init__(
        self,
        project: Project,
        stream: Stream,
        *,
        tick_at: Callable[[datetime], datetime] = lambda end: end,
    ) -> None:
        super().__init__(project, stream, watch=lambda _: None, stopwatch=Stopwatch("drill"))
        self.project = project
        self.refusals: list[Sign] = []
        self._tick_at = tick_at
        self._client: Client | None = None

    def play_day(self, day: date, client: Client) -> None:
        """Send what happened on a day, then run the tick after it."""
        self._client = client
        super().play_day(day, client)

    def take(self, responses: list[StatusAndBody]) -> None:
        """Note the refusals among some responses."""
        for status, body in responses:
            if status != 200:
                self._note(msgspec.json.decode(body)["error"])

    def take_problems(self, problems: list[dict[str, Any]]) -> None:
        """Note what a server had against rows or outcomes."""
        for problem in problems:
            self._note(problem)

    def tick(self, end: datetime) -> list[Decision]:
        """The decisions of the tick after a day."""
        if self._client is not None:  # then guardrails read the counts of now, not those of 0.1 s ago
            self._client.call("GET", "/metrics")
        return self.loop.tick(self._tick_at(end), by="loop")

    def finish(self) -> None:
        """Move what the server has written into the lake."""
        ingest_journal(self.project, self.loop.lake)
        self.loop.act()

    def _note(self, error: dict[str, Any]) -> None:
        where = str(error.get("where", ""))
        self.refusals.append(Sign(self.moment, "refusal", error["code"], where, f"{where}: {error['what']}"))


def read_played(replay: DrillReplay, *, since: datetime) -> Played:
    """What came of the days from `since` on."""
    replay.finish()
    answers = PREDICTIONS.read(replay.loop.lake).filter(pl.col("at") >= since)
    decided = replay.loop.decisions
    decisions = [decision for decision in decided if decision.at > since]
    return Played(replay.project, answers, decisions, read_signs(replay, since=since), tuple(decided))


def read_signs(replay: DrillReplay, *, since: datetime) -> list[Sign]:
    """What the system has said since then, oldest first."""
    return sorted(_signs(replay, since), key=lambda sign: sign.at)


def _signs(replay: DrillReplay, since: datetime) -> Iterable[Sign]:
    yield from replay.refusals
    for alert in read_alerts(replay.loop.lake):
        if alert.at > since:
            yield Sign(alert.at, "alert", *alert.key, alert.what)
    for decision in replay.loop.decisions:
        if decision.at > since and decision.what in BACK and decision.rule != ASKED:
            what = f"{decision.what} of version {decision.version}: {decision.reason}"
            yield Sign(decision.at, "decision", f"{decision.what} {decision.rule}", "", what)
