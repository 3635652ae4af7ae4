"""The first step of a tick: what is known at a moment, to decide on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import accepted_since, read_between, task_of, with_truth
from mlops_lab.loop.measure_day import MeasuredDay
from mlops_lab.monitoring.measure import as_known_now, differing_cells
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.base import Task

_UNREADABLE = (MlopsError, pl.exceptions.PolarsError)
"""What reading a damaged table raises: a file cannot be read, a column is gone, or a value is of another type."""


@dataclass(frozen=True)
class RolloutEvidence:
    """What is known about a rollout: the answers of both versions with their outcomes (see `rollout_pairs`), and how
    many feature values served since it began differ from their definition."""

    task: Task
    pairs: pl.DataFrame
    differing_cells: int


@dataclass(frozen=True)
class Observation:
    """What the loop knows at `now`, and decides on.

    `rollout` is None where no rollout is under way. Measurements are read only where a trigger asks for them.
    """

    now: datetime
    rollout: RolloutEvidence | None
    read_measurements: Callable[[datetime], pl.DataFrame]


def observe(
    project: Project, lake: Lake, *, now: datetime, state: RolloutState, package: Path, day: MeasuredDay | None
) -> Observation:
    """What is known at `now`. `day`, where it was just measured, is not in the lake yet."""
    rollout = None
    if state.stage is not None:
        assert state.rollout_began is not None
        task = task_of(project, package)
        try:
            pairs = rollout_pairs(project, lake, since=state.rollout_began, now=now, task=task)
        except _UNREADABLE:  # an alert says so, and the rollout waits
            pairs = _no_pairs(task)
        differing = differing_cells(measurements_since(lake, state.rollout_began))
        if day is not None:
            differing += differing_cells(day.measurements)
        rollout = RolloutEvidence(task, pairs, differing)
    return Observation(now, rollout, read_measurements=partial(measurements_since, lake))


def measurements_since(lake: Lake, since: datetime) -> pl.DataFrame:
    """The measurements of windows that ended after `since`, as known now."""
    if not MEASUREMENTS.exists(lake):
        return pl.DataFrame()
    return as_known_now(read_between(lake, MEASUREMENTS, since).filter(pl.col("at") > since))


def rollout_pairs(project: Project, lake: Lake, *, since: datetime, now: datetime, task: Task) -> pl.DataFrame:
    """`truth`, `champion`, `challenger`: what both versions answered to each request since `since` whose outcome has
    arrived before `now`, with what is known then."""
    joined = accepted_since(project, lake, since, known_by=now)
    if joined.is_empty():
        return _no_pairs(task)
    canary = pl.col("role") == "canary"
    scored_by_both = joined.filter(pl.col("predicted_at") >= since, pl.col("shadow_output").is_not_null())
    return (
        with_truth(project, lake, scored_by_both, task)
        .select(
            "truth",
            pl.when(canary).then("shadow_output").otherwise("output").alias("champion"),
            pl.when(canary).then("output").otherwise("shadow_output").alias("challenger"),
        )
        .drop_nulls()
    )


def _no_pairs(task: Task) -> pl.DataFrame:
    return pl.DataFrame(schema={"truth": pl.Float64, "champion": task.output_dtype, "challenger": task.output_dtype})
