"""What starts a retraining."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from mlops_lab.clock import days_after, days_before
from mlops_lab.monitoring.measure import calibration_gap
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.tasks.make import make_task

MIN_OUTCOMES = 50


@dataclass(frozen=True)
class Trigger:
    """The rule that fired, why, and on which figures."""

    rule: str
    reason: str
    evidence: dict[str, float]


@dataclass(frozen=True)
class Due:
    """The next retraining: at the latest `at`, and from `watched_from` on as soon as `watched` is so."""

    at: datetime
    watched_from: datetime
    watched: str


def next_retraining(project: Project, last: datetime) -> Due:
    """When the next retraining is due, where the last one was at `last`."""
    settings = project.settings.triggers
    apart = f"the outcomes and the answers of {settings.window_days} days lie on average"
    return Due(
        at=days_after(last, settings.every_days, project.timezone),
        watched_from=days_after(last, settings.cooldown_days, project.timezone),
        watched=f"{apart} more than {settings.max_calibration_gap:g} apart",
    )


def find_trigger(
    project: Project, state: RolloutState, now: datetime, *, measured: Callable[[datetime], pl.DataFrame]
) -> Trigger | None:
    """The trigger that fires at `now`, or None. `measured` reads the measurements made after a moment, where needed.

    - `triggers.max_calibration_gap`: over the last `window_days` the observed rate (of a class; or the mean) and the
      mean answer lie too far apart, and the last retraining is at least `cooldown_days` ago (fewer than 50 outcomes
      prove nothing);
    - `triggers.every_days`: the last retraining is that many days ago.
    """
    settings = project.settings.triggers
    last = state.last_retrain
    if last is None:
        return Trigger("triggers.first", "nothing was ever trained", {})
    due = next_retraining(project, last)
    if now >= due.watched_from:
        window = days_before(now, settings.window_days, project.timezone)
        recent = measured(window)
        part, gap, outcomes = calibration_gap(recent) if recent.height else ("", 0.0, 0.0)
        if abs(gap) > settings.max_calibration_gap and outcomes >= MIN_OUTCOMES:
            told = make_task(project.task, classes=project.classes).explain_gap(part, gap)
            limit = f"({outcomes:,.0f} outcomes; limit {settings.max_calibration_gap:g})"
            reason = f"over {settings.window_days} days {told} {limit}"
            return Trigger("triggers.max_calibration_gap", reason, {"gap": gap, "outcomes": outcomes})
    if now >= due.at:
        return Trigger("triggers.every_days", f"the last training was {settings.every_days} days ago", {})
    return None
