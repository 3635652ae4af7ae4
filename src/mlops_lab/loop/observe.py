"""What the loop sees at the end of a day, read from the lake."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.clock import days_before
from mlops_lab.lake import Lake
from mlops_lab.monitoring.drift import Profile
from mlops_lab.monitoring.measure import measure
from mlops_lab.project import Project
from mlops_lab.registry.package import PROFILE_FILE, load_plan
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.table import MOMENT, Table
from mlops_lab.tables.verdict import Verdict
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.make import make_task


def predictions_of_day(project: Project, lake: Lake, *, now: datetime) -> pl.DataFrame:
    """What was answered on the day that ends at `now`."""
    began = days_before(now, 1, project.timezone)
    return _since(lake, PREDICTIONS, began).filter(pl.col("at") < now)


def measure_day(
    project: Project, lake: Lake, *, now: datetime, state: RolloutState, package: Path, predictions: pl.DataFrame
) -> pl.DataFrame:
    """The measurements of the day that ends at `now`, for the champion's package; `predictions` are the day's."""
    assert state.champion is not None
    began = days_before(now, 1, project.timezone)
    late = timedelta(days=project.settings.source.outcome_within_days)
    columns = ["id", "verdict", "known_at", "received_at", "output", project.settings.source.label]
    ended = accepted_since(lake, began - late, columns=columns)  # told us in the day, whenever the world knew it
    if ended.height:
        seen = pl.max_horizontal("known_at", "received_at")
        ended = ended.filter(seen >= began, seen < now)
    task = task_of(package)
    return measure(
        at=now,
        window_hours=(now - began).total_seconds() / 3600,
        version=state.champion,
        task=task,
        predictions=predictions,
        ended=_with_truth(project, ended, task).select("truth", "output") if ended.height else pl.DataFrame(),
        profiles=msgspec.json.decode((package / PROFILE_FILE).read_bytes(), type=dict[str, Profile]),
    )


def recent_measurements(lake: Lake, since: datetime) -> pl.DataFrame:
    """The measurements made after `since`."""
    return (
        _since(lake, MEASUREMENTS, since).filter(pl.col("at") > since) if MEASUREMENTS.exists(lake) else pl.DataFrame()
    )


def task_of(package: Path) -> Task:
    """What the version in the package predicts."""
    plan = load_plan(package)
    return make_task(plan.task, classes=tuple(plan.classes), scale=plan.scale)


def rollout_pairs(project: Project, lake: Lake, *, since: datetime, now: datetime, task: Task) -> pl.DataFrame:
    """`truth`, `champion`, `challenger`: what both said to each request since `since` whose outcome is known."""
    ended = accepted_since(lake, since)
    if ended.is_empty():
        return pl.DataFrame(
            schema={"truth": pl.Float64, "champion": task.output_dtype, "challenger": task.output_dtype}
        )
    canary = pl.col("role") == "canary"
    known = ended.filter(
        pl.col("predicted_at") >= since, pl.col("known_at") < now, pl.col("shadow_output").is_not_null()
    )
    return _with_truth(project, known, task).select(
        "truth",
        pl.when(canary).then("shadow_output").otherwise("output").alias("champion"),
        pl.when(canary).then("output").otherwise("shadow_output").alias("challenger"),
    )


def _with_truth(project: Project, ended: pl.DataFrame, task: Task) -> pl.DataFrame:
    return ended.with_columns(task.encode(ended[project.settings.source.label]).alias("truth"))


def accepted_since(lake: Lake, since: datetime, *, columns: list[str] | None = None) -> pl.DataFrame:
    """The accepted outcomes known at or after `since`, each with its prediction (or some of the columns); by id, so
    that sums over them do not depend on which files they lie in."""
    ended = _since(lake, OUTCOMES, since, columns=columns)
    return ended.filter(pl.col("verdict") == Verdict.ACCEPTED).sort("id") if ended.height else ended


def _since(lake: Lake, table: Table, moment: datetime, *, columns: list[str] | None = None) -> pl.DataFrame:
    if not table.exists(lake):
        return pl.DataFrame(schema={table.time: MOMENT})
    return table.read(lake, since=moment, columns=columns)
