"""Trigger: the last training is a fixed number of days ago."""

from __future__ import annotations

from datetime import datetime

from mlops_lab.clock import days_after
from mlops_lab.loop.triggers.base import FiredTrigger, Trigger, TriggerInput, TriggerWait
from mlops_lab.project import Project

_RULE = "triggers.every_days"


def check_schedule(trigger_input: TriggerInput) -> FiredTrigger | None:
    """Fires where the last training is at least `every_days` ago."""
    project, last = trigger_input.project, trigger_input.last_training
    if last is None or trigger_input.now < wait_for_schedule(project, last).until:
        return None
    return FiredTrigger(_RULE, f"the last training was {project.settings.triggers.every_days} days ago", {})


def wait_for_schedule(project: Project, last_training: datetime) -> TriggerWait:
    """The day of the next training."""
    return TriggerWait(days_after(last_training, project.settings.triggers.every_days, project.timezone))


SCHEDULE = Trigger(_RULE, check_schedule, wait_for_schedule)
