"""What holds a training back although a trigger fired: the budget is spent, or too few labels are new.

A training that a person starts (`mlops run`) is never held back; it counts for the budget, and every cool-down begins
again.
"""

from __future__ import annotations

from datetime import datetime

from mlops_lab.clock import days_after, days_before
from mlops_lab.loop.trainings import Trainings
from mlops_lab.loop.triggers.base import FiredTrigger, TriggerInput
from mlops_lab.project import Project

BUDGET, MIN_LABELS = "triggers.budget", "triggers.min_new_labels"


def find_refusal(trigger_input: TriggerInput, fired: FiredTrigger) -> FiredTrigger | None:
    """Why no training starts although the trigger fired, and what would change that; None where one starts."""
    if trigger_input.last_training is None:
        return None
    return _check_budget(trigger_input, fired) or _check_labels(trigger_input, fired)


def budget_is_free_from(project: Project, trainings: Trainings, now: datetime) -> datetime | None:
    """The moment from which the budget allows a training again; None where it does at `now`, or there is no budget."""
    settings, zone = project.settings.triggers, project.timezone
    if settings.budget is None:
        return None
    counted = [began for began in trainings.began if began > days_before(now, settings.budget_days, zone)]
    if len(counted) < settings.budget:
        return None
    return days_after(counted[-settings.budget], settings.budget_days, zone)


def _check_budget(trigger_input: TriggerInput, fired: FiredTrigger) -> FiredTrigger | None:
    settings = trigger_input.project.settings.triggers
    free = budget_is_free_from(trigger_input.project, trigger_input.trainings, trigger_input.now)
    if free is None:
        return None
    reason = (
        f"no training, although {fired.reason}: the budget of {settings.budget} in {settings.budget_days} days is "
        f"spent; it allows one from {free:%Y-%m-%d} on, or raise triggers.budget, or train with `mlops run`"
    )
    return FiredTrigger(BUDGET, reason, {"budget": float(settings.budget or 0), **fired.evidence})


def _check_labels(trigger_input: TriggerInput, fired: FiredTrigger) -> FiredTrigger | None:
    needed, last = trigger_input.project.settings.triggers.min_new_labels, trigger_input.last_training
    if not needed or last is None:
        return None
    found = trigger_input.count_new_labels(last)
    if found >= needed:
        return None
    reason = (
        f"no training, although {fired.reason}: {found:,} labels have arrived since the last one, and {needed:,} are "
        "needed; it starts when they are there, or lower triggers.min_new_labels, or train with `mlops run`"
    )
    return FiredTrigger(MIN_LABELS, reason, {"labels": float(found), **fired.evidence})
