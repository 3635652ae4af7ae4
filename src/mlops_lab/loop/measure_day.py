"""Measuring a day that is over: its answers, the outcomes that arrived on it, and whether all was served as defined."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TypeAlias

import msgspec
import polars as pl

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.rules import log_alerts, parity_alerts, unmeasured_alert
from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.lake import Lake
from mlops_lab.loop.days import measured_windows
from mlops_lab.loop.diagnose import diagnose
from mlops_lab.loop.joined_outcomes import arrival, corrected_arrivals, outcomes_in, predictions_in, task_of, with_truth
from mlops_lab.loop.operations import read_operations, read_test_evidence
from mlops_lab.loop.rollout_evidence import measure_rollout
from mlops_lab.loop.watch_alerts import explain_alerts
from mlops_lab.loop.watch_days import DayWatcher, WatchedDay
from mlops_lab.monitoring.detectors.base import Operations
from mlops_lab.monitoring.detectors.slices import SLICE
from mlops_lab.monitoring.log_check import check_log_between
from mlops_lab.monitoring.logged_inputs import logged_inputs
from mlops_lab.monitoring.measure import (
    measure,
    measure_beside,
    measure_operations,
    measure_parity,
    measure_quality,
    note_unmeasured,
)
from mlops_lab.monitoring.parity import Verifier
from mlops_lab.monitoring.profile import Profile
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.registry.package import PROFILE_FILE, Plan, load_plan, read_file
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.rollout.value import EXPECTED_VALUE, VALUE, Metric, declared_metric, with_expected_value, with_value
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tables.fields import request_fields
from mlops_lab.tasks.base import Task
from mlops_lab.training.progress import Report


@dataclass(frozen=True)
class MeasuredDay:
    """A day that is over: from when to when it was, its measurements, the alerts about it, and what is `unusual` after
    it (None: that could not be told)."""

    window: Window
    measurements: pl.DataFrame
    alerts: Sequence[Alert]
    unusual: frozenset[str] | None = None


def measure_day(
    project: Project,
    lake: Lake,
    *,
    window: Window,
    champion: int,
    package_of: Callable[[int], Path],
    state: RolloutState,
    verifier: Verifier,
    watcher: DayWatcher,
    report: Report,
) -> MeasuredDay:
    """A day that is over, measured for the package of the champion of that day, and compared with the definition of its
    features, with what was logged, and with the days before: what differs is an alert. `state` is that at its end.

    What cannot be measured, because something is missing or damaged, is a row and an alert with the reason.
    """
    day = _Day(project, lake, window, champion, package_of(champion), package_of, state, verifier, watcher)
    report("measure")
    with ThreadPoolExecutor(_THREADS) as threads:
        found = [*threads.map(partial(_try, day), _STEPS)]
    day.measured = pl.concat(rows for rows, _ in found)
    rows, alerts = _try(day, _LAST_STEP)
    alerts = [*(alert for _, told in found for alert in told), *alerts]
    return MeasuredDay(window, pl.concat([day.measured, rows]), list(dict.fromkeys(alerts)), day.watched.unusual)


def _try(day: _Day, named: tuple[str, _Step]) -> _Found:
    """What a step finds; that it cannot be told, where something is missing or damaged: the rest is measured anyway."""
    name, step = named
    try:
        return step(day)
    except Exception as error:  # whatever it is
        reason = f"{name}: {_reason(error)}"
        rows = note_unmeasured(day.window, version=day.champion, reason=reason)
        return rows, [unmeasured_alert(day.window, reason)]


_Found: TypeAlias = tuple[pl.DataFrame, Sequence[Alert]]
"""The measurements of a step, and the alerts about them."""
_Step: TypeAlias = "Callable[[_Day], _Found]"


@dataclass
class _Day:
    """What the steps that measure a day share; `measured` is what all but the last have found."""

    project: Project
    lake: Lake
    window: Window
    champion: int
    package: Path
    package_of: Callable[[int], Path]
    state: RolloutState
    verifier: Verifier
    watcher: DayWatcher
    measured: pl.DataFrame = field(default_factory=pl.DataFrame)
    watched: WatchedDay = field(default_factory=WatchedDay)

    @cached_property
    def predictions(self) -> pl.DataFrame:
        return predictions_in(self.lake, self.window)

    def measure_answers(self) -> _Found:
        champion, package = self.champion, self.package
        rows = measure_window(
            self.project, self.lake, self.window, champion=champion, package=package, predictions=self.predictions
        )
        reference = self.watcher.reference(self.lake, self.window, champion=champion)
        if reference == champion:
            return rows, []
        beside = _measure_reference(
            self.window,
            self.predictions,
            package,
            champion=champion,
            beside=(reference, self.package_of),
            only=self.watcher.beside_training,
        )
        return pl.concat([rows, beside]), []

    def check_value(self) -> _Found:
        _metric(self.project, task_of(self.project, self.package))
        return _nothing(), []

    def measure_requests(self) -> _Found:
        seen = read_operations(self.project, self.lake, self.window, answered=self.predictions.height)
        return measure_operations(self.window, seen), []

    def measure_test(self) -> _Found:
        task = task_of(self.project, self.package)
        evidence = read_test_evidence(self.project, self.lake, self.window, state=self.state, task=task)
        return measure_operations(self.window, Operations(evidence=evidence)), []

    def measure_earlier(self) -> _Found:
        return measure_corrected(self.project, self.lake, self.window, package=self.package), []

    def compare_versions(self) -> _Found:
        compared_since = self.state.compared_since if self.state.champion == self.champion else None
        if compared_since is None:
            return _nothing(), []
        task = task_of(self.project, self.package)
        return measure_rollout(self.project, self.lake, self.window, began=compared_since, task=task), []

    def compare_with_definition(self) -> _Found:
        parity, end = self.verifier.verify_sample(self.predictions), self.window.end
        cells = parity.cells + parity.answers
        rows = measure_parity(self.window, version=self.champion, cells=cells, differing=parity.differing_cells)
        return rows, [*parity_alerts(parity, end), *log_alerts(parity.problems, end)]

    def compare_with_digests(self) -> _Found:
        log = check_log_between(self.lake, self.window.began, self.window.end)
        return _nothing(), log_alerts(log.problems, self.window.end)

    def compare_with_history(self) -> _Found:
        self.watched = self.watcher.watch(self.lake, self.window, self.measured, champion=self.champion)
        if self.watched.loss_since is None:
            return _nothing(), self.watched.alerts
        found = diagnose(
            self.project,
            self.lake,
            package=self.package,
            profiles=read_profiles(self.package),
            since=self.watched.loss_since,
            until=self.window.end,
        )
        return _nothing(), explain_alerts(self.watched.alerts, found.sentence() if found else "")


_STEPS: Sequence[tuple[str, _Step]] = (
    ("volume, quality and drift", _Day.measure_answers),
    ("parity", _Day.compare_with_definition),
    ("what answers were worth", _Day.check_value),
    ("requests, refused rows and rows set aside", _Day.measure_requests),
    ("the A/B test", _Day.measure_test),
    ("earlier days, of which outcomes were corrected", _Day.measure_earlier),
    ("the gain of the version in shadow", _Day.compare_versions),
    ("the log", _Day.compare_with_digests),
)
"""What is measured, and the step that does it. None needs what another has found; those that take longest are first."""
_LAST_STEP: tuple[str, _Step] = ("what is unusual by the days before", _Day.compare_with_history)
_THREADS = 2
"""Most of the time of the steps is spent in Polars and on reading files, where they don't wait for each other."""


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema=MEASUREMENTS.fixed_schema)


def _reason(error: Exception) -> str:
    text = next(iter(str(error).splitlines()), "")
    return text if isinstance(error, MlopsError) else f"{type(error).__name__}: {text[:200]}"


def measure_window(
    project: Project,
    lake: Lake,
    window: Window,
    *,
    champion: int,
    package: Path,
    predictions: pl.DataFrame,
    with_inputs: bool = True,
) -> pl.DataFrame:
    """The measurements of a window, for the champion's package; `predictions` are those of the window. Without
    `with_inputs`, those of answers and outcomes alone, which takes a quarter of the time."""
    task = task_of(project, package)
    return measure(
        window,
        version=champion,
        task=task,
        predictions=predictions,
        inputs=inputs_seen(predictions, version=champion, plan=load_plan(package)) if with_inputs else pl.DataFrame(),
        joined=_answered_in(project, lake, window, known_by=window.end, task=task),
        profiles=read_profiles(package),
        fields=[field.name for field in request_fields(project) if field.nullable] if with_inputs else (),
    )


def _measure_reference(
    window: Window,
    predictions: pl.DataFrame,
    package: Path,
    *,
    champion: int,
    beside: tuple[int, Callable[[int], Path]],
    only: Collection[str],
) -> pl.DataFrame:
    """The drift of what the champion saw beside an earlier version, of which there are enough days to tell what is
    usual; nothing where its package is gone."""
    reference, package_of = beside
    inputs = inputs_seen(predictions, version=champion, plan=load_plan(package))
    try:
        profiles = read_profiles(package_of(reference))
    except (OSError, MlopsError):
        profiles = {}
    return measure_beside(window, version=reference, inputs=inputs, profiles=profiles, only=only)


def read_profiles(package: Path) -> dict[str, Profile]:
    """How the inputs of the version in the package were distributed in training."""
    return _decode_profiles(read_file(package, PROFILE_FILE))


@lru_cache(maxsize=4)
def _decode_profiles(content: bytes) -> dict[str, Profile]:
    return msgspec.json.decode(content, type=dict[str, Profile])


def measure_corrected(project: Project, lake: Lake, window: Window, *, package: Path) -> pl.DataFrame:
    """The quality of earlier windows of which outcomes were corrected in this one, as known at its end."""
    arrivals, task = corrected_arrivals(project, lake, window), task_of(project, package)
    parts = [pl.DataFrame(schema=MEASUREMENTS.fixed_schema)]
    for earlier in measured_windows(lake) if arrivals.len() else []:
        if earlier.end <= window.began and ((arrivals >= earlier.began) & (arrivals < earlier.end)).any():
            joined = _answered_in(project, lake, earlier, known_by=window.end, task=task)
            parts.append(measure_quality(earlier, task=task, joined=joined, as_of=window.end))
    return pl.concat(parts)


def _answered_in(project: Project, lake: Lake, window: Window, *, known_by: datetime, task: Task) -> pl.DataFrame:
    """Truth, answer and times of each outcome of the window that has both: in a damaged table, one of the columns may
    be gone."""
    slices, metric = project.settings.gates.slices, None
    with suppress(InvalidInput):  # `check_value` tells it; everything else is measured
        metric = _metric(project, task)
    fields = [*slices, *(metric.fields if metric else ())]
    joined = outcomes_in(project, lake, window, known_by=known_by, fields=fields)
    if joined.is_empty():
        return joined
    columns = ["version", "role", "truth", "output", "predicted_at"]
    groups = {f"{SLICE}{name}": pl.col(name) for name in slices if name in joined.columns}
    joined = with_truth(project, lake, joined, task).drop_nulls(columns)
    found = joined.select(*columns, arrived_at=arrival(), **groups)
    if metric is None or joined.is_empty():
        return found
    valued = with_value(project, joined, task=task, metric=metric)
    valued = with_expected_value(project, valued, task=task, metric=metric)
    return found.hstack(valued.select(name for name in (VALUE, EXPECTED_VALUE) if name in valued.columns))


def _metric(project: Project, task: Task) -> Metric | None:
    """What `[ab]` says an answer of the task is worth; None where it says nothing. InvalidInput where it cannot be
    computed."""
    if task.kind != project.task:
        return None
    metric = declared_metric(project, task)
    return metric if metric.expression is not None else None


def inputs_seen(predictions: pl.DataFrame, *, version: int, plan: Plan) -> pl.DataFrame:
    """What the version saw; nothing where it answered nothing."""
    if predictions.is_empty():
        return predictions
    return logged_inputs(predictions.filter(pl.col("version") == version), plan)
