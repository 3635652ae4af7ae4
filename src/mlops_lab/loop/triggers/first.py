"""Trigger: the project was never trained."""

from __future__ import annotations

from datetime import datetime

from mlops_lab.loop.triggers.base import FiredTrigger, Trigger, TriggerInput
from mlops_lab.project import Project

_RULE = "triggers.first"


def check_first(trigger_input: TriggerInput) -> FiredTrigger | None:
    """Fires where there was no training yet."""
    if trigger_input.last_training is None:
        return FiredTrigger(_RULE, "nothing was ever trained", {})
    return None


def wait_for_nothing(_project: Project, _last_training: datetime) -> None:
    """None: after a training it never fires again."""


FIRST = Trigger(_RULE, check_first, wait_for_nothing)
