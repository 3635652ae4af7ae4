"""What both versions of a rollout answered to the same requests: the pairs, and the gain of each day.

A day's gain counts the outcomes that arrived on it. So it does not change any more when it was looked at, however late
other outcomes come, and no outcome counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import accepted_since, outcomes_in, with_truth
from mlops_lab.monitoring.measure import EVIDENCE, measure_gain
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.rollout.proof import NO_DAYS, DailyGains
from mlops_lab.tasks.base import Task


def rollout_pairs(
    project: Project, lake: Lake, *, since: datetime, now: datetime, task: Task, fields: Sequence[str] = ()
) -> pl.DataFrame:
    """`truth`, `champion`, `challenger`: what both versions answered to each request since `since` whose outcome has
    arrived before `now`, with what is known then; and with more `fields` of the request, as far as they are stored."""
    joined = accepted_since(project, lake, since, known_by=now, fields=fields)
    return _pair(project, lake, joined, since=since, task=task, fields=fields)


def measure_rollout(project: Project, lake: Lake, window: Window, *, began: datetime, task: Task) -> pl.DataFrame:
    """The gain of the challenger in a window of the rollout that began then, as rows of `MEASUREMENTS`: none without
    requests that both scored."""
    pairs = _pair(project, lake, outcomes_in(project, lake, window, known_by=window.end), since=began, task=task)
    losses = [task.losses(pairs["truth"], pairs[name]) for name in ("champion", "challenger")]
    return measure_gain(window, losses[0] - losses[1])


def read_gains(measurements: pl.DataFrame) -> DailyGains:
    """The gains of each day among measurements."""
    if measurements.is_empty():
        return NO_DAYS
    rows = measurements.filter(pl.col("monitor") == EVIDENCE)
    days = rows.pivot("name", index="at", values="value").sort("at") if rows.height else None
    if days is None:
        return NO_DAYS
    return DailyGains(days["gain"].to_numpy(), days["rows"].to_numpy(), days["at"].to_list())


def _pair(
    project: Project, lake: Lake, joined: pl.DataFrame, *, since: datetime, task: Task, fields: Sequence[str] = ()
) -> pl.DataFrame:
    if joined.is_empty():
        return no_pairs(task)
    canary = pl.col("role") == "canary"
    scored_by_both = joined.filter(pl.col("predicted_at") >= since, pl.col("shadow_output").is_not_null())
    return (
        with_truth(project, lake, scored_by_both, task)
        .select(
            "truth",
            pl.when(canary).then("shadow_output").otherwise("output").alias("champion"),
            pl.when(canary).then("output").otherwise("shadow_output").alias("challenger"),
            *(name for name in fields if name in joined.columns),
        )
        .drop_nulls(["truth", "champion", "challenger"])
    )


def no_pairs(task: Task) -> pl.DataFrame:
    """Pairs, none."""
    return pl.DataFrame(schema={"truth": pl.Float64, "champion": task.output_dtype, "challenger": task.output_dtype})
