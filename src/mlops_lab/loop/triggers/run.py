"""The list of all triggers, which of them fires, and when the next retraining is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_lab.loop.triggers.base import FiredTrigger, Trigger, TriggerInput
from mlops_lab.loop.triggers.calibration import CALIBRATION
from mlops_lab.loop.triggers.first import FIRST
from mlops_lab.loop.triggers.schedule import SCHEDULE
from mlops_lab.project import Project

TRIGGERS: Sequence[Trigger] = (FIRST, CALIBRATION, SCHEDULE)
"""Checked in this order; the first that fires counts."""


@dataclass(frozen=True)
class Due:
    """The next retraining: at the latest `at`, and from `watched_from` on as soon as the condition `watched` holds."""

    at: datetime
    watched_from: datetime
    watched: str


def find_trigger(trigger_input: TriggerInput) -> FiredTrigger | None:
    """The first trigger that fires, or None."""
    for trigger in TRIGGERS:
        if (fired := trigger.check(trigger_input)) is not None:
            return fired
    return None


def next_retraining(project: Project, last_training: datetime) -> Due:
    """When the next retraining is due, where the last one was at `last_training`."""
    waits = [wait for trigger in TRIGGERS if (wait := trigger.wait(project, last_training)) is not None]
    conditional = [wait for wait in waits if wait.condition is not None]
    return Due(
        at=min(wait.until for wait in waits if wait.condition is None),
        watched_from=min(wait.until for wait in conditional),
        watched=", or ".join(str(wait.condition) for wait in conditional),
    )
