"""Trigger: the outcomes and the answers of the last days lie too far apart on average."""

from __future__ import annotations

from datetime import datetime

from mlops_lab.clock import days_before
from mlops_lab.loop.triggers.base import (
    MIN_OUTCOMES,
    FiredTrigger,
    Trigger,
    TriggerInput,
    TriggerWait,
    wait_for_condition,
)
from mlops_lab.monitoring.measure import calibration_gap, measurements_of
from mlops_lab.project import Project
from mlops_lab.tasks.make import make_task

_RULE = "triggers.max_calibration_gap"


def check_calibration(trigger_input: TriggerInput) -> FiredTrigger | None:
    """Fires where, over the last `window_days`, the rate observed (of a class; or the mean) and the mean answer of the
    champion differ by more than `max_calibration_gap`, and the last training is at least `cooldown_days` ago.

    Outcomes of answers of the versions before do not count, however late they arrive."""
    project, now, last = trigger_input.project, trigger_input.now, trigger_input.last_training
    settings = project.settings.triggers
    if last is None or now < wait_for_calibration(project, last).until:
        return None
    window = trigger_input.read_measurements(days_before(now, settings.window_days, project.timezone))
    window = measurements_of(window, trigger_input.champion)
    if window.is_empty():
        return None
    part, gap, outcomes = calibration_gap(window)
    if not (abs(gap) > settings.max_calibration_gap and outcomes >= MIN_OUTCOMES):
        return None
    difference = make_task(project.task, classes=project.classes).explain_gap(part, gap)
    limit = f"({outcomes:,.0f} outcomes; limit {settings.max_calibration_gap:g})"
    reason = f"over {settings.window_days} days {difference} {limit}"
    return FiredTrigger(_RULE, reason, {"gap": gap, "outcomes": outcomes})


def wait_for_calibration(project: Project, last_training: datetime) -> TriggerWait:
    """The end of the cool-down; from then on a gap wider than the limit."""
    settings = project.settings.triggers
    apart = f"the outcomes and the answers of {settings.window_days} days lie on average"
    condition = f"{apart} more than {settings.max_calibration_gap:g} apart"
    return wait_for_condition(project, last_training, condition)


CALIBRATION = Trigger(_RULE, check_calibration, wait_for_calibration)
