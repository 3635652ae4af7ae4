"""What every rollout has shown, day by day: those that ended, and the one under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from msgspec import Struct

from mlops_lab.lake import Lake
from mlops_lab.loop.observe import measurements_since
from mlops_lab.loop.rollout_evidence import read_gains
from mlops_lab.monitoring.measure import EVIDENCE
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, RolloutState, apply
from mlops_lab.rollout.evidence.e_values import to_e_value
from mlops_lab.rollout.evidence.paired import weigh_gains


class RolloutEvidence(Struct, frozen=True, kw_only=True):
    """The evidence of one rollout (the first is number 1) at the end of each of its days that had outcomes; what it
    tests is proved from `needed` on."""

    number: int
    days: list[date]
    e_values: list[float]
    needed: float


def list_evidence(project: Project, lake: Lake, decisions: Sequence[Decision]) -> list[RolloutEvidence]:
    """The evidence of every rollout, in order; those without a day with outcomes are left out."""
    settings = project.settings.rollout
    spans = list(_spans(decisions))
    if not spans:
        return []
    measured = measurements_since(lake, spans[0][0])
    measured = measured.filter(pl.col("monitor") == EVIDENCE) if measured.height else measured
    found = []
    for number, (began, ended) in enumerate(spans, start=1):
        own = measured.filter(pl.col("at") > began, pl.col("at") <= ended) if measured.height else measured
        daily = read_gains(own)
        if not daily.gains.size:
            continue
        weighed = weigh_gains(daily.gains, alpha=settings.alpha, margin=settings.allowed_loss, rows=daily.rows)
        found.append(
            RolloutEvidence(
                number=number,
                days=[_last_day(end, project.timezone) for end in own["at"].unique().sort()],
                e_values=[to_e_value(log_e) for log_e in weighed.log_e.tolist()],
                needed=1 / settings.alpha,
            )
        )
    return found


def _spans(decisions: Sequence[Decision]) -> Iterator[tuple[datetime, datetime]]:
    """When each rollout began and ended; the one under way ends with the last moment that can be measured."""
    state = RolloutState()
    for decision in decisions:
        before, state = state, apply(state, decision)
        if before.rollout_began is not None and state.rollout_began != before.rollout_began:
            yield before.rollout_began, decision.at
    if state.rollout_began is not None:
        yield state.rollout_began, datetime.max.replace(tzinfo=state.rollout_began.tzinfo)


def _last_day(end: datetime, timezone: str) -> date:
    """The day that ends then."""
    return (end - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date()
