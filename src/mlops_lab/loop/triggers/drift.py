"""Trigger: the inputs have moved, and the model needs those that did.

The drift of an input is a population stability index J, which is the sum of both Kullback-Leibler divergences. By
Pinsker's inequality at most sqrt(J) / 2 of its values have moved to another bin. An input of which all values tell
nothing any more costs as much as one that is shuffled: its importance (see `training.importance`). So what an input's
drift may cost is its importance times the share that has moved, less what had moved in the first days of the champion:
a single day never has the variety of the training data.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from mlops_lab.clock import days_after, days_before
from mlops_lab.loop.triggers.base import FiredTrigger, Trigger, TriggerInput, TriggerWait, wait_for_condition
from mlops_lab.monitoring.limits import MIN_ANSWERS
from mlops_lab.monitoring.measure import measurements_of
from mlops_lab.project import Project

_RULE = "triggers.max_drift_loss"
_NAMED = 3


def check_drift(trigger_input: TriggerInput) -> FiredTrigger | None:
    """Fires where, over the last `window_days`, what the drift of all inputs may cost is more than `max_drift_loss`,
    and the cool-down is over. Days with few answers do not count: their drift is chance."""
    project, now, last, record = (
        trigger_input.project,
        trigger_input.now,
        trigger_input.last_training,
        trigger_input.record,
    )
    settings, zone = project.settings.triggers, project.timezone
    wait = None if last is None else wait_for_drift(project, last)
    if settings.max_drift_loss is None or wait is None or now < wait.until:
        return None
    if record is None or not record.importances:
        return None
    began = days_before(now, settings.window_days, zone)
    measured = measurements_of(trigger_input.read_measurements(min(record.since, began)), record.version)
    if measured.is_empty():
        return None
    moved = moved_shares(measured)
    first = moved.filter(pl.col("at") <= days_after(record.since, settings.window_days, zone))
    costs = weigh_drift(moved.filter(pl.col("at") > began), first, record.importances)
    total = sum(costs.values())
    if not total > settings.max_drift_loss:
        return None
    worst = sorted(costs, key=lambda name: (-costs[name], name))[:_NAMED]
    reason = (
        f"over {settings.window_days} days the inputs moved by what may cost {total:.4f} {record.task.loss_name} "
        f"(limit {settings.max_drift_loss:g}), most of all {', '.join(worst)}"
    )
    return FiredTrigger(_RULE, reason, {"cost": total, **{f"cost_{name}": costs[name] for name in worst}})


def moved_shares(measurements: pl.DataFrame) -> pl.DataFrame:
    """`at`, `name`, `moved`: the share of an input's values that has moved at most, by day with enough answers."""
    answers = measurements.filter(pl.col("monitor") == "volume", pl.col("name") == "predictions")
    busy = answers.group_by("at").agg(pl.col("value").sum()).filter(pl.col("value") >= MIN_ANSWERS)
    drift = measurements.filter(pl.col("monitor") == "drift", pl.col("value").is_finite()).join(
        busy, on="at", how="semi"
    )
    return drift.select("at", "name", moved=(pl.col("value").clip(lower_bound=0).sqrt() / 2).clip(upper_bound=1))


def weigh_drift(days: pl.DataFrame, first_days: pl.DataFrame, importances: Mapping[str, float]) -> dict[str, float]:
    """What the drift of each input may cost on these days, more than on the champion's first days; without those that
    cost nothing."""
    usual = _means(first_days)
    costs = {
        name: max(importances.get(name, 0.0), 0.0) * max(moved - usual.get(name, 0.0), 0.0)
        for name, moved in _means(days).items()
    }
    return {name: cost for name, cost in costs.items() if cost > 0}


def _means(days: pl.DataFrame) -> dict[str, float]:
    return dict(days.group_by("name", maintain_order=True).agg(pl.col("moved").mean()).iter_rows())


def wait_for_drift(project: Project, last_training: datetime) -> TriggerWait | None:
    """The end of the cool-down; from then on drift that matters. None where no limit is declared."""
    settings = project.settings.triggers
    if settings.max_drift_loss is None:
        return None
    condition = f"the inputs have moved by what may cost more than {settings.max_drift_loss:g} of loss"
    return wait_for_condition(project, last_training, condition, cooldown_days=settings.drift_cooldown_days)


DRIFT = Trigger(_RULE, check_drift, wait_for_drift)
