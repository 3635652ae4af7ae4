"""How many promotions of versions that are no better a year of the project's policy may bring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, apply
from mlops_lab.rollout.evidence.several import expected_false_promotions

YEAR_DAYS = 365
MIN_DAYS = 28
"""A shorter past tells nothing about a year."""


class ErrorRateRecord(Struct, frozen=True, kw_only=True):
    """The error rate of the promotions: `alpha` is the probability that one trial (`covers`: `rollout`, or `candidate`
    where the gate `backtest` decides) lets a version pass by chance that is not what is asked of it (`asked`: `better`,
    or `not_worse`). There were so many `trials` in the last `days`, so a year like that promotes at most
    `expected_a_year` such versions on average."""

    alpha: float
    asked: str
    covers: str
    trials: int
    days: int
    expected_a_year: float


def measure_error_rate(project: Project, decisions: Sequence[Decision], now: datetime) -> ErrorRateRecord | None:
    """The error rate of the promotions at `now`; None before `MIN_DAYS`."""
    rollout, backtest = project.settings.rollout, project.settings.backtest
    if not decisions:
        return None
    days = min((now - decisions[0].at) // timedelta(days=1), YEAR_DAYS)
    if days < MIN_DAYS:
        return None
    since = now - timedelta(days=days)
    if rollout.proves_itself:
        alpha, covers, trials = rollout.alpha, "rollout", _count_rollouts(decisions, since)
    else:
        alpha, covers, trials = backtest.alpha, "candidate", _count_candidates(decisions, since)
    return ErrorRateRecord(
        alpha=alpha,
        asked="not_worse" if rollout.prove == "not_worse" else "better",
        covers=covers,
        trials=trials,
        days=days,
        expected_a_year=expected_false_promotions(alpha, rollouts=trials * YEAR_DAYS / days),
    )


def _count_rollouts(decisions: Sequence[Decision], since: datetime) -> int:
    """How many rollouts began since then. A fresher candidate in the same rollout is no new trial."""
    state, count = RolloutState(), 0
    for decision in decisions:
        before, state = state, apply(state, decision)
        count += before.rollout_began is None and state.rollout_began is not None and decision.at >= since
    return count


def _count_candidates(decisions: Sequence[Decision], since: datetime) -> int:
    """How many candidates were tested against a champion since then."""
    tested = (DecisionKind.SHADOW, DecisionKind.SUPERSEDE, DecisionKind.REFUSE)
    return sum(decision.what in tested and decision.at >= since for decision in decisions)
