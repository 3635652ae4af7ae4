"""How good the answers of the champion are: today, on the last day that was measured, and in the week before."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import datetime
from typing import Any

import polars as pl
from msgspec import UNSET, structs

from mlops_lab.clock import days_before
from mlops_lab.errors import EnvironmentFault
from mlops_lab.loop.joined_outcomes import predictions_in, read_between
from mlops_lab.loop.measure_day import measure_window
from mlops_lab.loop.tick import Loop
from mlops_lab.monitoring.measure import CHAMPION, as_known_now, as_known_then, measurements_of
from mlops_lab.monitoring.window import Window
from mlops_lab.rollout.versions import find_version, package_folder
from mlops_lab.status.records import Performance, WindowPerformance
from mlops_lab.tables.declared import MEASUREMENTS

_METRICS = ("log_loss", "rmse")
_DAYS_OF_WEEK = 7


def last_quality(loop: Loop) -> dict[str, float]:
    """The newest measurement of each quality metric of the champion's answers."""
    if not MEASUREMENTS.exists(loop.lake):
        return {}
    measured = MEASUREMENTS.read(loop.lake).filter(pl.col("monitor") == "quality")
    measured = as_known_now(measurements_of(measured, loop.state.champion))
    newest = measured.filter(pl.col("at") == pl.col("at").max()).sort(pl.col("role").eq_missing(CHAMPION))
    last_role = newest.filter(pl.col("role").eq_missing(newest["role"].last())) if newest.height else newest
    return dict(last_role.select("name", "value").iter_rows())


def measure_performance(loop: Loop, now: datetime) -> Performance:
    """The loss of the champion's answers: the outcomes of other versions' answers are not its own."""
    project, champion = loop.project, loop.state.champion
    assert champion is not None
    window = Window(days_before(now, 1, project.timezone), now)
    hours = None
    with suppress(EnvironmentFault):  # its package is gone, or refused: `following` says so
        today = measure_window(
            project,
            loop.lake,
            window,
            champion=champion,
            package=package_folder(project, find_version(loop.decisions, champion)),
            predictions=predictions_in(loop.lake, window),
            with_inputs=False,
        )
        hours = summarise(measurements_of(today, champion))
    measured = read_between(loop.lake, MEASUREMENTS, days_before(now, 2 * _DAYS_OF_WEEK, project.timezone))
    day, week = _performance_of(measurements_of(measured, champion), project.timezone)
    if day and hours and (day.outcomes, day.value) == (hours.outcomes, hours.value):
        hours = None  # they are the same hours
    return Performance(last_24_hours=hours or UNSET, last_day=day or UNSET, week_before=week or UNSET)


def _performance_of(measured: pl.DataFrame, timezone: str) -> tuple[WindowPerformance | None, WindowPerformance | None]:
    """The last day that was measured, and the week before it."""
    last = measured.filter(pl.col("monitor") == "quality")["at"].max() if measured.height else None
    if not isinstance(last, datetime):
        return None, None
    is_week_before = (pl.col("at") < last) & (pl.col("at") >= days_before(last, _DAYS_OF_WEEK, timezone))
    return (
        _with_first_known(measured.filter(pl.col("at") == last)),
        _with_first_known(measured.filter(is_week_before)),
    )


def _with_first_known(measured: pl.DataFrame) -> WindowPerformance | None:
    """The loss as known now, and as known when the windows ended, where that was another one."""
    now, then = summarise(as_known_now(measured)), summarise(as_known_then(measured))
    if now is None or then is None or now.value == then.value:
        return now
    return structs.replace(now, first_known=then.value)


def summarise(measured: pl.DataFrame) -> WindowPerformance | None:
    """The loss over the windows and roles of a version, weighted by their outcomes; None where no outcome was
    measured."""
    wide = (
        measured.filter(pl.col("monitor").is_in(["quality", "volume"]))
        .pivot(on="name", index=["at", "role"], values="value", aggregate_function="first")
        .sort("at")
    )
    metric = next((name for name in _METRICS if name in wide.columns), None)
    if metric is None:
        return None
    windows = wide.drop_nulls([metric, "outcomes"]).filter(pl.col("outcomes") > 0).to_dicts()
    if not windows:
        return None
    outcomes = sum(window["outcomes"] for window in windows)
    bases = [constant_loss(window) for window in windows]
    power = 2 if metric == "rmse" else 1  # squared errors add up, their roots do not

    def mean(values: list[float]) -> float:
        weighted = zip(values, windows, strict=True)
        return float((sum(value**power * window["outcomes"] for value, window in weighted) / outcomes) ** (1 / power))

    return WindowPerformance(
        metric=metric,
        value=mean([window[metric] for window in windows]),
        base=mean([base for base in bases if base is not None]) if None not in bases else None,
        outcomes=int(outcomes),
        at=max(window["at"] for window in windows).isoformat(),
    )


def constant_loss(window: dict[str, Any]) -> float | None:
    """The loss of the best constant prediction: the observed rate, or the observed mean. None where it is not known."""
    rate, explained = window.get("observed_rate"), window.get("r2")
    if rate is not None:
        return sum(-share * math.log(share) for share in (float(rate), 1 - float(rate)) if share > 0)
    if explained is not None and explained < 1:
        return float(window["rmse"] / math.sqrt(1 - explained))
    return None
