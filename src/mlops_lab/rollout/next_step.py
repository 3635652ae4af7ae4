"""The next step of a rollout: shadow, then canary, then champion; or back.

A canary goes through the declared shares of the keys, one after another, each for `canary_days`.

With `[rollout] prove = "backtest"` the candidate has proved itself before, and a rollout can only stop it. Otherwise it
is promoted only when what was seen since the rollout began proves it: see `rollout.evidence.paired`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from mlops_lab.clock import days_after
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import MAX_DAYS, DecisionKind, RolloutState
from mlops_lab.rollout.proof import NO_DAYS, DailyGains, Proof, weigh
from mlops_lab.tasks.base import Task, say_difference

MIN_ROWS = 50


@dataclass(frozen=True)
class Step:
    """What to do about the challenger, by which rule and why."""

    what: DecisionKind
    rule: str
    reason: str
    evidence: dict[str, float]


@dataclass(frozen=True)
class Wait:
    """What a stage needs before its next step: that its days are over, and that enough requests were scored by both
    versions and have a known outcome."""

    days: int
    until: datetime
    rows: int
    rows_needed: int
    then: DecisionKind
    share: float | None
    """The share of the keys that it answers then; None where it is promoted."""

    def is_over(self, now: datetime) -> bool:
        """Whether the days are over and there are enough requests."""
        return now >= self.until and self.rows >= self.rows_needed


def share_now(project: Project, state: RolloutState) -> float:
    """The share of the keys that the challenger answers; 0 where it is only in shadow."""
    if state.stage is not DecisionKind.CANARY:
        return 0.0
    return project.settings.rollout.canary_share if state.canary_share is None else state.canary_share


def _next_share(project: Project, state: RolloutState) -> float | None:
    """The share of the next canary step; None where the challenger is promoted next. As `mlops.toml` declares it now:
    the steps may have changed since the rollout began."""
    settings, reached = project.settings.rollout, share_now(project, state)
    if settings.strategy != "canary" and state.stage is DecisionKind.SHADOW:
        return None
    return next((share for share in settings.shares if share > reached), None)


def waiting_for(project: Project, state: RolloutState, *, rows: int) -> Wait:
    """What the current stage waits for, where `rows` requests count so far."""
    settings = project.settings.rollout
    assert state.since is not None
    days = settings.shadow_days if state.stage is DecisionKind.SHADOW else settings.canary_days
    share = _next_share(project, state)
    then = DecisionKind.PROMOTE if share is None else DecisionKind.CANARY
    return Wait(days, days_after(state.since, days, project.timezone), rows, MIN_ROWS, then, share)


def next_step(
    project: Project,
    state: RolloutState,
    now: datetime,
    *,
    task: Task,
    pairs: pl.DataFrame,
    daily: DailyGains = NO_DAYS,
    differing_cells: int = 0,
) -> Step | None:
    """The step that is due at `now`, or None while the stage still runs.

    `pairs` holds the requests answered since the rollout began whose outcome is known: `truth`, and what
    `champion` and `challenger` answered to the same request. `daily` has the gain of each day since then, also that of
    the candidates that the challenger took the place of. The test may be looked at after every day: that does not raise
    the rate of false promotions.

    `differing_cells` is how many feature values served since the rollout began differ from their definition. Answers to
    such values tell nothing about the challenger, and a promoted version would get the same wrong values.
    """
    settings = project.settings.rollout
    loss = task.losses(pairs["truth"], pairs["challenger"]).mean()
    champion_loss = task.losses(pairs["truth"], pairs["champion"]).mean()
    increase = float(loss) - float(champion_loss) if pairs.height else 0.0  # type: ignore[arg-type]
    evidence = {"rows": float(pairs.height), "harm": increase}
    if differing_cells:
        reason = f"{differing_cells:,} values were served differently from their definition; see the alerts"
        return Step(DecisionKind.ROLL_BACK, "rollout.parity", reason, {"differing_cells": float(differing_cells)})
    difference = say_difference(-increase)
    compared = f"{task.loss_name} {difference} than the champion's on {pairs.height:,} requests that both scored"
    is_harmful = pairs.height >= MIN_ROWS and not increase <= settings.max_loss  # also where it is NaN
    is_tested_in_shadow = settings.proves_itself and state.stage is DecisionKind.SHADOW
    if is_harmful and not is_tested_in_shadow:
        reason = f"{compared}: more than {settings.max_loss:g}, which is allowed"
        return Step(DecisionKind.ROLL_BACK, "rollout.max_loss", reason, evidence)
    if settings.proves_itself:
        proof = weigh(project, daily)
        if (step := _end(project, state, now, task=task, proof=proof)) is not None:
            return step
        compared, evidence = proof.say(task), proof.evidence
    if is_tested_in_shadow and (is_harmful or not proof.is_proved):  # a bad day in shadow harms nobody: it waits
        return None
    wait = waiting_for(project, state, rows=pairs.height)
    if not wait.is_over(now):
        lacks_requests = wait.rows < wait.rows_needed and now >= wait.until
        if lacks_requests and _is_past_horizon(project, state, now):
            reason = f"{settings.max_days} days are over, with {wait.rows} of {wait.rows_needed} requests and outcomes"
            return Step(DecisionKind.EXPIRE, MAX_DAYS, reason, evidence)
        return None
    is_shadow = state.stage is DecisionKind.SHADOW
    rule = "rollout.shadow_days" if is_shadow else "rollout.canary_days"
    answered = f"with {_percent(share_now(project, state))} of the keys"
    compared = f"{wait.days} days {'in shadow' if is_shadow else f'as canary {answered}'}: {compared}"
    if wait.share is not None:
        reason = f"{compared}; it now answers {_percent(wait.share)} of the keys"
        return Step(DecisionKind.CANARY, rule, reason, {**evidence, "share": wait.share})
    if is_shadow:
        rule = "rollout.strategy"
        compared = f"{compared}; it now answers all requests, and the version before is kept ready"
    return Step(DecisionKind.PROMOTE, rule, compared, {**evidence, "watch_days": float(settings.watch_days)})


def _end(project: Project, state: RolloutState, now: datetime, *, task: Task, proof: Proof) -> Step | None:
    """The end of a rollout whose candidates are proved to be worse, or that has proved nothing for too long."""
    if proof.is_worse:
        return Step(DecisionKind.ROLL_BACK, "rollout.worse", f"worse beyond chance: {proof.say(task)}", proof.evidence)
    if not proof.is_proved and _is_past_horizon(project, state, now):
        reason = f"nothing is proved after {project.settings.rollout.max_days} days: {proof.say(task)}"
        return Step(DecisionKind.EXPIRE, MAX_DAYS, reason, proof.evidence)
    return None


def _is_past_horizon(project: Project, state: RolloutState, now: datetime) -> bool:
    """Whether the days are over within which a rollout must have an answer."""
    assert state.rollout_began is not None
    return now >= days_after(state.rollout_began, project.settings.rollout.max_days, project.timezone)


def _percent(share: float) -> str:
    """A share in percent, with the digits that it needs: `10%`, `0.5%`."""
    return f"{100 * share:.4g}%"
