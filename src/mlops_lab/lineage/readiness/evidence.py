"""The facts that tests look at: what the lake, the packages, MLflow's database and the project's folder hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import polars as pl

from mlops_lab.alerts.deliveries import Delivery
from mlops_lab.lineage.readiness.repository import Repository
from mlops_lab.lineage.reproduce.notes import ReproductionNote
from mlops_lab.loop.erasures import Erasure
from mlops_lab.project import Settings
from mlops_lab.registry.store.records import TrackedRun
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, fold
from mlops_lab.tables.declared import MEASUREMENTS

_WARNING = "warning:"
NO_MEASUREMENTS = pl.DataFrame(schema=MEASUREMENTS.fixed_schema)
_LIVE = {DecisionKind.BOOTSTRAP, DecisionKind.CANARY, DecisionKind.PROMOTE}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What one gate said about a candidate, and in which decision: `gates.base` has the same, and loads more."""

    decision: Decision
    gate: str
    passed: bool
    reason: str
    figures: Mapping[str, float]

    @property
    def warns(self) -> bool:
        """Whether the candidate passed with a doubt."""
        return self.reason.startswith(_WARNING)


@dataclass(frozen=True)
class Days:
    """On how many days something was measured, and the last of them."""

    count: int
    last: date | None


@dataclass(frozen=True)
class Logged:
    """The log of predictions: how many, and of the newest its id, its day, and which inputs are on record with it."""

    count: int
    id: str
    on: date
    inputs: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known of a project. `inputs` has those of each version by its number; `commit` is
    that of the champion's package. `is_closed_to_others`: other users cannot read `.mlops`; None where there is none.
    `problems`: what could not be read, so that it counts for
    nothing."""

    settings: Settings
    now: datetime | None
    decisions: Sequence[Decision] = ()
    measurements: pl.DataFrame = field(default_factory=lambda: NO_MEASUREMENTS)
    tables: frozenset[str] = frozenset()
    logged: Logged | None = None
    commit: str | None = None
    inputs: Mapping[int, frozenset[str]] = field(default_factory=dict)
    deliveries: Sequence[Delivery] = ()
    erasures: Sequence[Erasure] = ()
    runs: Sequence[TrackedRun] = ()
    reproduced: Sequence[ReproductionNote] = ()
    is_closed_to_others: bool | None = None
    repository: Repository = field(default_factory=Repository)
    problems: Sequence[str] = ()

    @cached_property
    def state(self) -> RolloutState:
        """What is live."""
        return fold(self.decisions)

    @property
    def champion(self) -> int | None:
        """The version that answers."""
        return self.state.champion

    @cached_property
    def trainings(self) -> list[Decision]:
        """The decisions about trained candidates, which hold the verdicts of their gates."""
        return [decision for decision in self.decisions if "gates" in decision.evidence]

    @property
    def went_live(self) -> list[Decision]:
        """The decisions by which a version began to answer users."""
        return [decision for decision in self.decisions if decision.what in _LIVE]

    def judged(self, gate: str) -> list[Judged]:
        """The verdicts of a gate, the oldest first."""
        return [
            Judged(
                decision=decision,
                gate=gate,
                passed=verdict["passed"],
                reason=verdict["reason"],
                figures=verdict.get("evidence", {}),
            )
            for decision in self.trainings
            for verdict in decision.evidence["gates"]
            if verdict["gate"] == gate
        ]

    def of_champion(self, gate: str) -> Judged | None:
        """What a gate said about the version that is live."""
        return next((item for item in self.judged(gate) if item.decision.version == self.champion), None)

    def measured(self, *monitors: str) -> pl.DataFrame:
        """The measurements of these monitors."""
        return self.measurements.filter(pl.col("monitor").is_in(monitors))

    def days(self, *monitors: str) -> Days:
        """On which days any of these monitors measured something."""
        moments = self.measured(*monitors)["at"]
        last = moments.max()
        return Days(moments.n_unique(), self.day(last) if isinstance(last, datetime) else None)

    def day(self, moment: datetime) -> date:
        """The day of a moment, on the project's own clock."""
        return moment.astimezone(ZoneInfo(self.settings.project.timezone)).date()
