"""A clock that was ahead: what was decided and measured meanwhile must not stop the loop until that time comes."""

from __future__ import annotations

from datetime import datetime, timedelta

from mlops_lab.alerts.alert import Alert
from mlops_lab.clock import latest
from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.tables.trusted_moments import CLOCK_TOLERANCE, MAX_JUMP

MAX_AHEAD = timedelta(days=366)
"""How far ahead of now a moment may lie that is given by hand."""
_DAY = timedelta(days=1)


def check_moment(at: datetime | None, *, now: datetime) -> datetime:
    """The moment `at`, or `now` where it is None. InvalidInput where it lies so far ahead that it must be a mistake."""
    if at is not None and at - now > MAX_AHEAD:
        raise InvalidInput(
            f"{at.isoformat()} is more than {MAX_AHEAD.days} days after now, {now.isoformat()}",
            code="far_ahead",
            where="--at",
            hint="give an earlier moment, or leave --at out; nothing was changed",
        )
    return at or now


def decide_about_clock(
    project: Project, state: RolloutState, *, measured: datetime | None, now: datetime, by: str
) -> Decision | None:
    """The decision that what is dated after `now` counts as of now; None where nothing is. `measured` is the end of the
    last measured day.

    A clock that is corrected by a few minutes is no reason; nor, with the clock of the data, ticks some days ahead.
    """
    is_wall = project.settings.project.clock == "wall"
    ahead = latest(state.since, state.rollout_began, state.last_retrain, measured)
    if ahead is None or ahead - now <= (CLOCK_TOLERANCE if is_wall else MAX_JUMP):
        return None
    reason = f"the clock was ahead: what is dated up to {ahead.isoformat()} counts as of now"
    return Decision(now, DecisionKind.CLOCK, None, "clock", reason, by, {"ahead_days": (ahead - now) / _DAY})


def clock_alert(decision: Decision) -> Alert:
    """The alert about such a decision."""
    hint = "correct the clock of the machine, or the moment given with --at; `mlops history` lists the decision"
    return Alert(
        decision.at, decision.rule, decision.reason, "the decisions and the measured days", hint, decision.reason
    )
