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
from mlops_lab.loop.joined_outcomes import read_between, task_of
from mlops_lab.loop.measure_day import MeasuredDay
from mlops_lab.loop.rollout_evidence import no_pairs, read_gains, rollout_pairs
from mlops_lab.monitoring.measure import as_known_now, differing_cells
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.rollout.proof import DailyGains
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.base import Task

_UNREADABLE = (MlopsError, pl.exceptions.PolarsError)
"""What reading a damaged table raises: a file cannot be read, a column is gone, or a value is of another type."""


@dataclass(frozen=True)
class RolloutEvidence:
    """What is known about a rollout: the answers of both versions with their outcomes (see `rollout_pairs`), the gain
    of each day since it began, and how many feature values served since then differ from their definition.

    Where candidates prove themselves in the rollout, the pairs are those of the present candidate alone.
    """

    task: Task
    pairs: pl.DataFrame
    daily: DailyGains
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
        since = state.since if project.settings.rollout.proves_itself else state.rollout_began
        try:
            pairs = rollout_pairs(project, lake, since=since or state.rollout_began, now=now, task=task)
        except _UNREADABLE:  # an alert says so, and the rollout waits
            pairs = no_pairs(task)
        measured = measurements_since(lake, state.rollout_began)
        if day is not None:
            measured = pl.concat([measured, day.measurements]) if measured.height else day.measurements
        rollout = RolloutEvidence(task, pairs, read_gains(measured), differing_cells(measured))
    return Observation(now, rollout, read_measurements=partial(measurements_since, lake))


def measurements_since(lake: Lake, since: datetime) -> pl.DataFrame:
    """The measurements of windows that ended after `since`, as known now."""
    if not MEASUREMENTS.exists(lake):
        return pl.DataFrame()
    return as_known_now(read_between(lake, MEASUREMENTS, since).filter(pl.col("at") > since))
