"""Measuring a day that is over: its answers, the outcomes that arrived on it, and whether all was served as defined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.rules import log_alerts, parity_alerts, unmeasured_alert
from mlops_lab.errors import MlopsError
from mlops_lab.lake import Lake
from mlops_lab.monitoring.log_check import check_log_between
from mlops_lab.monitoring.logged_inputs import logged_inputs
from mlops_lab.monitoring.measure import measure, measure_parity, note_unmeasured
from mlops_lab.monitoring.parity import Verifier
from mlops_lab.monitoring.profile import Profile
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.registry.package import PROFILE_FILE, Plan, load_plan
from mlops_lab.rollout.decisions import read_decisions
from mlops_lab.rollout.versions import classes_by_version
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.table import MOMENT, Table
from mlops_lab.tables.verdict import Verdict
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.make import make_task
from mlops_lab.tasks.multiclass import Multiclass, order_by_version
from mlops_lab.training.progress import Report


@dataclass(frozen=True)
class MeasuredDay:
    """A day that is over: from when to when it was, its measurements, and the alerts about it."""

    window: Window
    measurements: pl.DataFrame
    alerts: Sequence[Alert]


def measure_day(
    project: Project,
    lake: Lake,
    *,
    window: Window,
    champion: int,
    package: Path,
    verifier: Verifier,
    report: Report,
) -> MeasuredDay:
    """A day that is over, measured for the package of the champion of that day, and compared with the definition of its
    features and with what was logged: what differs is an alert.

    What cannot be measured, because something is missing or damaged, is a row and an alert with the reason.
    """
    read_predictions = cache(partial(predictions_in, lake, window))

    def measure_answers() -> tuple[pl.DataFrame, list[Alert]]:
        predictions = read_predictions()
        return measure_window(project, lake, window, champion=champion, package=package, predictions=predictions), []

    def compare_with_definition() -> tuple[pl.DataFrame, list[Alert]]:
        parity = verifier.verify_sample(read_predictions())
        cells = parity.cells + parity.answers
        rows = measure_parity(window, version=champion, cells=cells, differing=parity.differing_cells)
        return rows, [*parity_alerts(parity, window.end), *log_alerts(parity.problems, window.end)]

    def compare_with_digests() -> tuple[pl.DataFrame, list[Alert]]:
        log = check_log_between(lake, window.began, window.end)
        return pl.DataFrame(schema=MEASUREMENTS.fixed_schema), log_alerts(log.problems, window.end)

    steps = (
        ("measure", "volume, quality and drift", measure_answers),
        ("parity", "parity", compare_with_definition),
        ("parity", "the log", compare_with_digests),
    )
    measured, alerts = [], []
    for stage, name, step in steps:
        report(stage)
        try:
            rows, found = step()
        except Exception as error:  # whatever is missing or damaged: the rest, and the next day, are measured anyway
            reason = f"{name}: {_reason(error)}"
            rows, found = note_unmeasured(window, version=champion, reason=reason), [unmeasured_alert(window, reason)]
        measured.append(rows)
        alerts.extend(found)
    return MeasuredDay(window, pl.concat(measured), list(dict.fromkeys(alerts)))


def _reason(error: Exception) -> str:
    text = next(iter(str(error).splitlines()), "")
    return text if isinstance(error, MlopsError) else f"{type(error).__name__}: {text[:200]}"


def predictions_in(lake: Lake, window: Window) -> pl.DataFrame:
    """The predictions of the window."""
    return read_between(lake, PREDICTIONS, window.began, before=window.end)


def measure_window(
    project: Project, lake: Lake, window: Window, *, champion: int, package: Path, predictions: pl.DataFrame
) -> pl.DataFrame:
    """The measurements of a window, for the champion's package; `predictions` are those of the window."""
    task = task_of(project, package)
    joined = outcomes_in(project, lake, window)
    return measure(
        window,
        version=champion,
        task=task,
        predictions=predictions,
        inputs=_inputs_of(predictions, version=champion, plan=load_plan(package)),
        joined=_answered(with_truth(project, lake, joined, task)) if joined.height else joined,
        profiles=msgspec.json.decode((package / PROFILE_FILE).read_bytes(), type=dict[str, Profile]),
    )


def outcomes_in(project: Project, lake: Lake, window: Window) -> pl.DataFrame:
    """The accepted outcomes that arrived in the window, even if they were known earlier, each with its answer."""
    longest_delay = timedelta(days=project.settings.source.outcome_within_days)
    columns = ["id", "verdict", "known_at", "received_at", "version", "role", "output", project.settings.source.label]
    joined = accepted_since(lake, window.began - longest_delay, before=window.end, columns=columns)
    return joined.filter(arrival() >= window.began, arrival() < window.end) if joined.height else joined


def _inputs_of(predictions: pl.DataFrame, *, version: int, plan: Plan) -> pl.DataFrame:
    """What the version saw; nothing where it answered nothing."""
    if predictions.is_empty():
        return predictions
    return logged_inputs(predictions.filter(pl.col("version") == version), plan)


def task_of(project: Project, package: Path) -> Task:
    """What the version in the package predicts; classes that the project has got since count as well."""
    plan = load_plan(package)
    return make_task(plan.task, classes=tuple(dict.fromkeys([*plan.classes, *project.classes])), scale=plan.scale)


def accepted_since(
    lake: Lake, since: datetime, *, before: datetime | None = None, columns: list[str] | None = None
) -> pl.DataFrame:
    """The accepted outcomes known at or after `since` (and before `before`), each with its prediction (or some of the
    columns).

    Sorted by id: sums over them must not depend on which files they lie in.
    """
    outcomes = read_between(lake, OUTCOMES, since, before=before, columns=columns)
    return outcomes.filter(pl.col("verdict") == Verdict.ACCEPTED).sort("id") if outcomes.height else outcomes


def arrival() -> pl.Expr:
    """When an outcome arrived: it may have been known earlier."""
    return pl.max_horizontal("known_at", "received_at")


def _answered(joined: pl.DataFrame) -> pl.DataFrame:
    """Truth and answer of each outcome that has both: in a damaged table, one of the columns may be gone."""
    return joined.select("version", "role", "truth", "output").drop_nulls()


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
