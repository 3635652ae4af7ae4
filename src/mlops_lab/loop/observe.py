"""The first step of a tick: read from the lake what has happened, and measure the day that is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.rules import log_alerts, parity_alerts, unmeasured_alerts
from mlops_lab.clock import days_before
from mlops_lab.errors import MlopsError
from mlops_lab.lake import Lake
from mlops_lab.monitoring.log_check import check_log_between
from mlops_lab.monitoring.logged_inputs import logged_inputs
from mlops_lab.monitoring.measure import differing_cells, measure, measure_parity
from mlops_lab.monitoring.parity import Verifier
from mlops_lab.monitoring.profile import Profile
from mlops_lab.project import Project
from mlops_lab.registry.package import PROFILE_FILE, Plan, load_plan
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.table import MOMENT, Table
from mlops_lab.tables.verdict import Verdict
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.make import make_task
from mlops_lab.training.progress import Report

_UNREADABLE = (MlopsError, pl.exceptions.PolarsError)
"""What reading a damaged table raises: a file cannot be read, a column is gone, or a value is of another type."""


@dataclass(frozen=True)
class MeasuredDay:
    """A day that is over: when it ended, its measurements, and the alerts about it."""

    end: datetime
    measurements: pl.DataFrame
    alerts: Sequence[Alert]


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


def observe_day(
    project: Project,
    lake: Lake,
    *,
    end: datetime,
    state: RolloutState,
    package: Path,
    verifier: Verifier,
    report: Report,
) -> MeasuredDay:
    """The day that ended at `end`, measured for the champion's package, compared with the definition of its features
    and with what was logged: what differs is an alert, and so is what cannot be read."""
    assert state.champion is not None
    report("measure")
    began = days_before(end, 1, project.timezone)
    predictions, measured, alerts = pl.DataFrame(), pl.DataFrame(schema=MEASUREMENTS.fixed_schema), []
    try:
        predictions = predictions_of_day(project, lake, now=end)
        measured = measure_day(project, lake, now=end, state=state, package=package, predictions=predictions)
    except _UNREADABLE as error:
        alerts = unmeasured_alerts(error, end)
    report("parity")
    parity = verifier.verify_sample(predictions)
    log = check_log_between(lake, began, end)
    compared = measure_parity(
        at=end,
        window_hours=(end - began).total_seconds() / 3600,
        version=state.champion,
        cells=parity.cells + parity.answers,
        differing=parity.differing_cells,
    )
    alerts += [*parity_alerts(parity, end), *log_alerts([*log.problems, *parity.problems], end)]
    return MeasuredDay(end, measured.vstack(compared), alerts)


def observe(
    project: Project, lake: Lake, *, now: datetime, state: RolloutState, package: Path, day: MeasuredDay | None
) -> Observation:
    """What is known at `now`. `day`, where it was just measured, is not in the lake yet."""
    rollout = None
    if state.stage is not None:
        assert state.rollout_began is not None
        task = task_of(package)
        try:
            pairs = rollout_pairs(project, lake, since=state.rollout_began, now=now, task=task)
        except _UNREADABLE:  # an alert says so, and the rollout waits
            pairs = _no_pairs(task)
        differing = differing_cells(measurements_since(lake, state.rollout_began))
        if day is not None:
            differing += differing_cells(day.measurements)
        rollout = RolloutEvidence(task, pairs, differing)
    return Observation(now, rollout, read_measurements=partial(measurements_since, lake))


def predictions_of_day(project: Project, lake: Lake, *, now: datetime) -> pl.DataFrame:
    """The predictions of the day that ends at `now`."""
    began = days_before(now, 1, project.timezone)
    return _read_since(lake, PREDICTIONS, began).filter(pl.col("at") < now)


def measure_day(
    project: Project, lake: Lake, *, now: datetime, state: RolloutState, package: Path, predictions: pl.DataFrame
) -> pl.DataFrame:
    """The measurements of the day that ends at `now`, for the champion's package; `predictions` are the day's."""
    assert state.champion is not None
    began = days_before(now, 1, project.timezone)
    longest_delay = timedelta(days=project.settings.source.outcome_within_days)
    columns = ["id", "verdict", "known_at", "received_at", "output", project.settings.source.label]
    joined = accepted_since(lake, began - longest_delay, columns=columns)
    if joined.height:  # those that arrived on the day, even if they were known earlier
        arrived = pl.max_horizontal("known_at", "received_at")
        joined = joined.filter(arrived >= began, arrived < now)
    task = task_of(package)
    return measure(
        at=now,
        window_hours=(now - began).total_seconds() / 3600,
        version=state.champion,
        task=task,
        predictions=predictions,
        inputs=_inputs_of(predictions, version=state.champion, plan=load_plan(package)),
        joined=_answered(_with_truth(project, joined, task)) if joined.height else pl.DataFrame(),
        profiles=msgspec.json.decode((package / PROFILE_FILE).read_bytes(), type=dict[str, Profile]),
    )


def _inputs_of(predictions: pl.DataFrame, *, version: int, plan: Plan) -> pl.DataFrame:
    """What the version saw; nothing where it answered nothing."""
    if predictions.is_empty():
        return predictions
    return logged_inputs(predictions.filter(pl.col("version") == version), plan)


def measurements_since(lake: Lake, since: datetime) -> pl.DataFrame:
    """The measurements made after `since`."""
    if not MEASUREMENTS.exists(lake):
        return pl.DataFrame()
    return _read_since(lake, MEASUREMENTS, since).filter(pl.col("at") > since)


def task_of(package: Path) -> Task:
    """What the version in the package predicts."""
    plan = load_plan(package)
    return make_task(plan.task, classes=tuple(plan.classes), scale=plan.scale)


def rollout_pairs(project: Project, lake: Lake, *, since: datetime, now: datetime, task: Task) -> pl.DataFrame:
    """`truth`, `champion`, `challenger`: what both versions answered to each request since `since` whose outcome is
    known before `now`."""
    joined = accepted_since(lake, since)
    if joined.is_empty():
        return _no_pairs(task)
    canary = pl.col("role") == "canary"
    scored_by_both = joined.filter(
        pl.col("predicted_at") >= since, pl.col("known_at") < now, pl.col("shadow_output").is_not_null()
    )
    return (
        _with_truth(project, scored_by_both, task)
        .select(
            "truth",
            pl.when(canary).then("shadow_output").otherwise("output").alias("champion"),
            pl.when(canary).then("output").otherwise("shadow_output").alias("challenger"),
        )
        .drop_nulls()
    )


def _no_pairs(task: Task) -> pl.DataFrame:
    return pl.DataFrame(schema={"truth": pl.Float64, "champion": task.output_dtype, "challenger": task.output_dtype})


def accepted_since(lake: Lake, since: datetime, *, columns: list[str] | None = None) -> pl.DataFrame:
    """The accepted outcomes known at or after `since`, each with its prediction (or some of the columns).

    Sorted by id: sums over them must not depend on which files they lie in.
    """
    outcomes = _read_since(lake, OUTCOMES, since, columns=columns)
    return outcomes.filter(pl.col("verdict") == Verdict.ACCEPTED).sort("id") if outcomes.height else outcomes


def _answered(joined: pl.DataFrame) -> pl.DataFrame:
    """Truth and answer of each outcome that has both: in a damaged table, one of the columns may be gone."""
    return joined.select("truth", "output").drop_nulls()


def _with_truth(project: Project, joined: pl.DataFrame, task: Task) -> pl.DataFrame:
    return joined.with_columns(task.encode(joined[project.settings.source.label]).alias("truth"))


def _read_since(lake: Lake, table: Table, moment: datetime, *, columns: list[str] | None = None) -> pl.DataFrame:
    if not table.exists(lake):
        return pl.DataFrame(schema={table.time: MOMENT})
    return table.read(lake, since=moment, columns=columns)
