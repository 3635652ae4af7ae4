"""Outcomes with the answers that they belong to, as known at a moment: what quality is computed from.

A corrected outcome counts instead of the one before from when it arrived, in the window in which the first one
arrived.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import classes_by_version
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.table import MOMENT, Table
from mlops_lab.tables.verdict import COUNTED, Verdict
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.make import make_task
from mlops_lab.tasks.multiclass import Multiclass, order_by_version

_TIMES = ["id", "verdict", "predicted_at", "known_at", "received_at"]
_ANSWERS = ["version", "role", "output", "shadow_version", "shadow_output"]


def predictions_in(lake: Lake, window: Window) -> pl.DataFrame:
    """The predictions of the window, sorted by id: sums over them must not depend on which files they lie in."""
    predictions = read_between(lake, PREDICTIONS, window.began, before=window.end)
    return predictions.sort("id") if "id" in predictions.columns else predictions  # the log may be damaged


def outcomes_in(
    project: Project, lake: Lake, window: Window, *, known_by: datetime, fields: Collection[str] = ()
) -> pl.DataFrame:
    """The accepted outcomes that arrived in the window, even if they were known earlier, each with its answer, and with
    more `fields`; as known before `known_by`."""
    longest_delay = timedelta(days=project.settings.source.outcome_within_days)
    joined = accepted_since(project, lake, window.began - longest_delay, known_by=known_by, fields=fields)
    return joined.filter(arrival() >= window.began, arrival() < window.end) if joined.height else joined


def corrected_arrivals(project: Project, lake: Lake, window: Window) -> pl.Series:
    """When those outcomes arrived first that were corrected in the window: they count in windows before it."""
    longest_delay = timedelta(days=project.settings.source.outcome_within_days)
    rows = read_between(lake, OUTCOMES, window.began - longest_delay, before=window.end, columns=_TIMES)
    arrived = arrival()
    corrected = rows.filter(pl.col("verdict") == Verdict.CORRECTED) if rows.height else rows
    if corrected.height:
        corrected = corrected.filter(arrived >= window.began, arrived < window.end)
    first = corrected["predicted_at"].min() if corrected.height else None
    if not isinstance(first, datetime):
        return pl.Series(dtype=MOMENT)
    earlier = read_between(lake, OUTCOMES, first, before=window.end, columns=_TIMES)
    accepted = earlier.filter(pl.col("verdict") == Verdict.ACCEPTED).join(corrected, on="id", how="semi")
    moments = accepted.select(arrived)["known_at"]
    return moments.filter(moments < window.began)


def accepted_since(
    project: Project, lake: Lake, since: datetime, *, known_by: datetime, fields: Collection[str] = ()
) -> pl.DataFrame:
    """The accepted outcomes known at or after `since` that arrived before `known_by`, each with its answers, and with
    the label that was the latest by then; and with more `fields` of the request or the outcome.

    Sorted by id: sums over them must not depend on which files they lie in.
    """
    source, latest = project.settings.source, "__latest_"
    told = [source.label, *(name for name in fields if name in source.outcome and name != source.label)]
    asked = [name for name in fields if name in source.request]
    rows = read_between(lake, OUTCOMES, since, before=known_by, columns=[*_TIMES, *_ANSWERS, *told, *asked])
    if rows.is_empty():
        return rows
    rows = rows.filter(pl.col("verdict").is_in([*COUNTED]), arrival() < known_by).sort("id", "known_at")
    accepted = rows.filter(pl.col("verdict") == Verdict.ACCEPTED)
    if accepted.height == rows.height:
        return accepted
    corrections = rows.filter(pl.col("verdict") == Verdict.CORRECTED).select("id", pl.col(told).name.prefix(latest))
    corrections = corrections.unique("id", keep="last", maintain_order=True)
    joined = accepted.join(corrections, on="id", how="left", maintain_order="left")
    is_corrected = pl.col(latest + source.label).is_not_null()
    newest = [pl.when(is_corrected).then(latest + name).otherwise(name).alias(name) for name in told]
    return joined.with_columns(newest).drop(latest + name for name in told)


def arrival() -> pl.Expr:
    """When an outcome arrived: it may have been known earlier."""
    return pl.max_horizontal("known_at", "received_at")


def task_of(project: Project, package: Path) -> Task:
    """What the version in the package predicts; classes that the project has got since count as well."""
    plan = load_plan(package)
    return make_task(plan.task, classes=tuple(dict.fromkeys([*plan.classes, *project.classes])), scale=plan.scale)


def with_truth(project: Project, lake: Lake, joined: pl.DataFrame, task: Task) -> pl.DataFrame:
    """The outcomes with the column `truth`: the label as the task encodes it; and, where the task has classes, with
    answers that have its classes. None where the label has become that of another task."""
    if task.kind != project.task:
        joined = joined.clear()
    if isinstance(task, Multiclass):
        known = classes_by_version(project, read_decisions(lake))
        for version, output in (("version", "output"), ("shadow_version", "shadow_output")):
            if output in joined.columns:
                joined = order_by_version(joined, output, version=version, known=known, wanted=task.classes)
    return joined.with_columns(task.encode(joined[project.settings.source.label]).alias("truth"))


def read_between(
    lake: Lake, table: Table, since: datetime, *, before: datetime | None = None, columns: list[str] | None = None
) -> pl.DataFrame:
    """The rows of a table at or after `since`, and before `before`; none where there is no table yet."""
    if not table.exists(lake):
        return pl.DataFrame(schema={table.time: MOMENT})
    return table.read(lake, since=since, before=before, columns=columns)
