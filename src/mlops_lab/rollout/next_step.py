"""The next step of a rollout: shadow, then canary, then champion; or back.

With `[rollout] prove = "backtest"` the candidate has proved itself before, and a rollout can only stop it. Otherwise it
is promoted only when what was seen since the rollout began proves it: see `rollout.evidence.paired`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from mlops_lab.clock import days_after
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import DecisionKind, RolloutState
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

    def is_over(self, now: datetime) -> bool:
        """Whether the days are over and there are enough requests."""
        return now >= self.until and self.rows >= self.rows_needed


def waiting_for(project: Project, state: RolloutState, *, rows: int) -> Wait:
    """What the current stage waits for, where `rows` requests count so far."""
    settings = project.settings.rollout
    assert state.since is not None
    days, then = settings.canary_days, DecisionKind.PROMOTE
    if state.stage is DecisionKind.SHADOW:
        days, then = (
            settings.shadow_days,
            DecisionKind.CANARY if settings.strategy == "canary" else DecisionKind.PROMOTE,
        )
    return Wait(days, days_after(state.since, days, project.timezone), rows, MIN_ROWS, then)


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
        return None
    if wait.then is DecisionKind.CANARY:
        reason = f"{wait.days} days in shadow: {compared}; it now answers {settings.canary_share:.0%} of the keys"
        return Step(DecisionKind.CANARY, "rollout.shadow_days", reason, evidence)
    if state.stage is DecisionKind.SHADOW:
        reason = (
            f"{wait.days} days in shadow: {compared}; it now answers all requests, and the version before is kept ready"
        )
        return Step(DecisionKind.PROMOTE, "rollout.strategy", reason, evidence)
    return Step(DecisionKind.PROMOTE, "rollout.canary_days", f"{wait.days} days as canary: {compared}", evidence)


def _end(project: Project, state: RolloutState, now: datetime, *, task: Task, proof: Proof) -> Step | None:
    """The end of a rollout whose candidates are proved to be worse, or that has proved nothing for too long."""
    settings, began = project.settings.rollout, state.rollout_began
    assert began is not None
    if proof.is_worse:
        return Step(DecisionKind.ROLL_BACK, "rollout.worse", f"worse beyond chance: {proof.say(task)}", proof.evidence)
    if not proof.is_proved and now >= days_after(began, settings.max_days, project.timezone):
        reason = f"nothing is proved after {settings.max_days} days: {proof.say(task)}"
        return Step(DecisionKind.ROLL_BACK, "rollout.max_days", reason, proof.evidence)
    return None
