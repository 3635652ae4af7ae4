"""Trigger: enough new labels have arrived since the last training."""

from __future__ import annotations

from datetime import datetime

from mlops_lab.loop.triggers.base import FiredTrigger, Trigger, TriggerInput, TriggerWait, wait_for_condition
from mlops_lab.project import Project

_RULE = "triggers.new_labels"


def check_labels(trigger_input: TriggerInput) -> FiredTrigger | None:
    """Fires where `new_labels` or more labels have arrived since the last training, and the cool-down is over."""
    project, last = trigger_input.project, trigger_input.last_training
    wanted = project.settings.triggers.new_labels
    wait = None if last is None else wait_for_labels(project, last)
    if last is None or wanted is None or wait is None or trigger_input.now < wait.until:
        return None
    found = trigger_input.count_new_labels(last)
    if found < wanted:
        return None
    reason = f"{found:,} labels have arrived since the last training (limit {wanted:,})"
    return FiredTrigger(_RULE, reason, {"labels": float(found)})


def wait_for_labels(project: Project, last_training: datetime) -> TriggerWait | None:
    """The end of the cool-down; from then on enough labels. None where no number is declared."""
    settings = project.settings.triggers
    if settings.new_labels is None:
        return None
    condition = f"{settings.new_labels:,} labels have arrived since the last training"
    return wait_for_condition(project, last_training, condition, cooldown_days=settings.labels_cooldown_days)


LABELS = Trigger(_RULE, check_labels, wait_for_labels)
