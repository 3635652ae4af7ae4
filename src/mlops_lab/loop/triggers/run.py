"""The list of all triggers, which of them fires, and when the next retraining is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_lab.loop.trainings import NO_TRAININGS, Trainings
from mlops_lab.loop.triggers.base import FiredTrigger, Trigger, TriggerInput
from mlops_lab.loop.triggers.calibration import CALIBRATION
from mlops_lab.loop.triggers.drift import DRIFT
from mlops_lab.loop.triggers.first import FIRST
from mlops_lab.loop.triggers.labels import LABELS
from mlops_lab.loop.triggers.performance import PERFORMANCE
from mlops_lab.loop.triggers.refusals import budget_is_free_from
from mlops_lab.loop.triggers.schedule import SCHEDULE
from mlops_lab.project import Project

TRIGGERS: Sequence[Trigger] = (FIRST, CALIBRATION, PERFORMANCE, DRIFT, LABELS, SCHEDULE)
"""Checked in this order; the first that fires counts."""


@dataclass(frozen=True)
class Due:
    """The next retraining: at the latest `at`, and from `watched_from` on as soon as the condition `watched` holds.

    `spent_budget` is the number of trainings in the budget that is spent until `at`; None where it holds nothing back.
    """

    at: datetime
    watched_from: datetime
    watched: str
    spent_budget: int | None = None


def find_trigger(trigger_input: TriggerInput) -> FiredTrigger | None:
    """The first trigger that fires, or None."""
    for trigger in TRIGGERS:
        if (fired := trigger.check(trigger_input)) is not None:
            return fired
    return None


def next_retraining(
    project: Project, last_training: datetime, *, trainings: Trainings = NO_TRAININGS, now: datetime | None = None
) -> Due:
    """When the next retraining is due, where the last one was at `last_training`, as the budget allows at `now`."""
    waits = [wait for trigger in TRIGGERS if (wait := trigger.wait(project, last_training)) is not None]
    conditional = [wait for wait in waits if wait.condition is not None]
    due = min(wait.until for wait in waits if wait.condition is None)
    free = budget_is_free_from(project, trainings, now or last_training)
    return Due(
        at=max(due, free or due),
        watched_from=max(min(wait.until for wait in conditional), free or last_training),
        watched=", or ".join(str(wait.condition) for wait in conditional),
        spent_budget=project.settings.triggers.budget if free is not None and free > due else None,
    )
