"""The watch after a promotion: the champion before scores the same requests, and may take its place back.

The test is that of a rollout with the roles exchanged: a promotion that was right is taken back with a probability of
at most `alpha`, however often one looks.
"""

from __future__ import annotations

from datetime import datetime

from mlops_lab.clock import days_after
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import DecisionKind, Watch
from mlops_lab.rollout.next_step import Step
from mlops_lab.rollout.proof import DailyGains, weigh
from mlops_lab.tasks.base import Task


def watch_until(project: Project, watch: Watch) -> datetime:
    """When the watch is over; `mlops.toml` may have shortened it since."""
    return days_after(watch.began, min(watch.days, project.settings.rollout.watch_days), project.timezone)


def end_of_watch(project: Project, watch: Watch, now: datetime, *, task: Task, daily: DailyGains) -> Step | None:
    """The end of the watch that is due at `now`: the promotion is taken back, or confirmed; None while it goes on.

    `daily` has for each day the mean of champion's loss - that of the champion before.
    """
    proof = weigh(project, daily, margin=0.0)
    before = f"version {watch.version}, the champion before, scored the same requests"
    if proof.is_proved:
        reason = f"the promotion is taken back: {before}: {proof.say(task)}"
        return Step(DecisionKind.ROLL_BACK, "rollout.watch", reason, proof.evidence)
    if now < watch_until(project, watch):
        return None
    reason = f"the promotion stays: {before}, and did not prove to be better: {proof.say(task)}"
    return Step(DecisionKind.CONFIRM, "rollout.watch_days", reason, proof.evidence)
