"""Measuring a day that is over: its answers, the outcomes that arrived on it, and whether all was served as defined."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache, partial
from pathlib import Path

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
    watched = WatchedDay()
    measured: list[pl.DataFrame] = []
    alerts: list[Alert] = []
    package = package_of(champion)
    read_predictions = cache(partial(predictions_in, lake, window))

    def measure_answers() -> tuple[pl.DataFrame, list[Alert]]:
        predictions = read_predictions()
        rows = measure_window(project, lake, window, champion=champion, package=package, predictions=predictions)
        reference = watcher.reference(lake, window, champion=champion)
        if reference == champion:
            return rows, []
        beside = _measure_reference(
            window,
            predictions,
            package,
            champion=champion,
            beside=(reference, package_of),
            only=watcher.beside_training,
        )
        return pl.concat([rows, beside]), []

    def measure_earlier() -> tuple[pl.DataFrame, list[Alert]]:
        return measure_corrected(project, lake, window, package=package), []

    def measure_requests() -> tuple[pl.DataFrame, list[Alert]]:
        seen = read_operations(project, lake, window, answered=read_predictions().height)
        return measure_operations(window, seen), []

    def measure_test() -> tuple[pl.DataFrame, list[Alert]]:
        evidence = read_test_evidence(project, lake, window, state=state, task=task_of(project, package))
        return measure_operations(window, Operations(evidence=evidence)), []

    def check_value() -> tuple[pl.DataFrame, list[Alert]]:
        _metric(project, task_of(project, package))
        return pl.DataFrame(schema=MEASUREMENTS.fixed_schema), []

    def compare_versions() -> tuple[pl.DataFrame, list[Alert]]:
        compared_since = state.compared_since if state.champion == champion else None
        if compared_since is None:
            return pl.DataFrame(schema=MEASUREMENTS.fixed_schema), []
        return measure_rollout(project, lake, window, began=compared_since, task=task_of(project, package)), []

    def compare_with_definition() -> tuple[pl.DataFrame, list[Alert]]:
        parity = verifier.verify_sample(read_predictions())
        cells = parity.cells + parity.answers
        rows = measure_parity(window, version=champion, cells=cells, differing=parity.differing_cells)
        return rows, [*parity_alerts(parity, window.end), *log_alerts(parity.problems, window.end)]

    def compare_with_digests() -> tuple[pl.DataFrame, list[Alert]]:
        log = check_log_between(lake, window.began, window.end)
        return pl.DataFrame(schema=MEASUREMENTS.fixed_schema), log_alerts(log.problems, window.end)

    def compare_with_history() -> tuple[pl.DataFrame, list[Alert]]:
        nonlocal watched
        rows = pl.concat(measured)
        watched = watcher.watch(lake, window, rows, champion=champion)
        if watched.loss_since is None:
            return rows.clear(), list(watched.alerts)
        found = diagnose(
            project,
            lake,
            package=package,
            profiles=read_profiles(package),
            since=watched.loss_since,
            until=window.end,
        )
        return rows.clear(), explain_alerts(watched.alerts, found.sentence() if found else "")

    steps = (
        ("measure", "volume, quality and drift", measure_answers),
        (None, "what answers were worth", check_value),
        (None, "requests, refused rows and rows set aside", measure_requests),
        (None, "the A/B test", measure_test),
        (None, "earlier days, of which outcomes were corrected", measure_earlier),
        (None, "the gain of the version in shadow", compare_versions),
        ("parity", "parity", compare_with_definition),
        (None, "the log", compare_with_digests),
        (None, "what is unusual by the days before", compare_with_history),
    )
    for stage, name, step in steps:
        if stage is not None:
            report(stage)
        try:
            rows, found = step()
        except Exception as error:  # whatever is missing or damaged: the rest, and the next day, are measured anyway
            reason = f"{name}: {_reason(error)}"
            rows, found = note_unmeasured(window, version=champion, reason=reason), [unmeasured_alert(window, reason)]
        measured.append(rows)
        alerts.extend(found)
    return MeasuredDay(window, pl.concat(measured), list(dict.fromkeys(alerts)), watched.unusual)


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
        inputs=_inputs_of(predictions, version=champion, plan=load_plan(package)) if with_inputs else pl.DataFrame(),
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
    inputs = _inputs_of(predictions, version=champion, plan=load_plan(package))
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


def _inputs_of(predictions: pl.DataFrame, *, version: int, plan: Plan) -> pl.DataFrame:
    """What the version saw; nothing where it answered nothing."""
    if predictions.is_empty():
        return predictions
    return logged_inputs(predictions.filter(pl.col("version") == version), plan)
