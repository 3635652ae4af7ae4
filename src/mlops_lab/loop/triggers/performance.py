"""Trigger: the champion's answers of the last days are worse than they were when it was accepted."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from mlops_lab.clock import days_before
from mlops_lab.loop.triggers.base import (
    MIN_OUTCOMES,
    FiredTrigger,
    Trigger,
    TriggerInput,
    TriggerWait,
    wait_for_condition,
)
from mlops_lab.monitoring.measure import CHAMPION, measurements_of
from mlops_lab.project import Project
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.regression import Regression

_RULE = "triggers.max_loss_increase"


def check_performance(trigger_input: TriggerInput) -> FiredTrigger | None:
    """Fires where the champion's mean loss over the last `window_days` is higher by more than `max_loss_increase` than
    on the rows that were held out when it was trained, and the cool-down is over."""
    project, now, last, record = (
        trigger_input.project,
        trigger_input.now,
        trigger_input.last_training,
        trigger_input.record,
    )
    settings = project.settings.triggers
    wait = None if last is None else wait_for_performance(project, last)
    if settings.max_loss_increase is None or wait is None or now < wait.until:
        return None
    if record is None or record.loss is None:
        return None
    window = trigger_input.read_measurements(days_before(now, settings.window_days, project.timezone))
    loss, outcomes = mean_loss(measurements_of(window, record.version), record.task)
    if not (loss - record.loss > settings.max_loss_increase and outcomes >= MIN_OUTCOMES):
        return None
    reason = (
        f"over {settings.window_days} days the {record.task.loss_name} was {loss:.4f}, and {record.loss:.4f} when "
        f"version {record.version} was accepted ({outcomes:,.0f} outcomes; limit {settings.max_loss_increase:g} more)"
    )
    return FiredTrigger(_RULE, reason, {"loss": loss, "baseline": record.loss, "outcomes": outcomes})


def mean_loss(measurements: pl.DataFrame, task: Task) -> tuple[float, float]:
    """The mean loss of the champion's answers over several windows, weighted by their outcomes, and how many these are;
    0 outcomes where none were measured."""
    if measurements.is_empty():
        return 0.0, 0.0
    rows = measurements.filter(pl.col("role").is_null() | (pl.col("role") == CHAMPION))
    measure, value = "log_loss", pl.col("value")
    if isinstance(task, Regression):  # a day's loss is its squared error in units of the scale
        measure, value = "rmse", (pl.col("value") / task.scale) ** 2
    losses = rows.filter(pl.col("monitor") == "quality", pl.col("name") == measure).select("at", loss=value)
    outcomes = rows.filter(pl.col("monitor") == "volume", pl.col("name") == "outcomes").select("at", outcomes="value")
    days = losses.join(outcomes, on="at").filter(pl.col("outcomes") > 0)
    total = float(days["outcomes"].sum())
    return (float((days["loss"] * days["outcomes"]).sum()) / total if total else 0.0), total


def wait_for_performance(project: Project, last_training: datetime) -> TriggerWait | None:
    """The end of the cool-down; from then on a higher loss. None where no limit is declared."""
    settings = project.settings.triggers
    if settings.max_loss_increase is None:
        return None
    higher = f"the loss of {settings.window_days} days is more than {settings.max_loss_increase:g} higher"
    condition = f"{higher} than when the champion was accepted"
    return wait_for_condition(project, last_training, condition, cooldown_days=settings.loss_cooldown_days)


PERFORMANCE = Trigger(_RULE, check_performance, wait_for_performance)
