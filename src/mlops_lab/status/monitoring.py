"""How far the watching of the measured days is: what is calibrated, what is unusual, and which rules fit nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import read_between
from mlops_lab.loop.tick import Loop
from mlops_lab.loop.watch_days import WatchState, watcher_of
from mlops_lab.monitoring.budget.scores import MIN_DAYS
from mlops_lab.monitoring.estimate import Estimate, judge
from mlops_lab.monitoring.measure import CHAMPION, as_known_then
from mlops_lab.status.records import EstimateRecord, MonitoringStatus
from mlops_lab.tables.declared import MEASUREMENTS

_ERROR_DAYS = 90
"""The errors of so many days are looked at."""
_looked: dict[Path, tuple[object, WatchState]] = {}
"""By project, what was asked last, and what was found."""


def describe_monitoring(loop: Loop, now: datetime) -> tuple[MonitoringStatus, list[str]] | None:
    """(how far it is, warnings about declared rules); None while no day was measured."""
    champion = loop.state.champion
    if champion is None or not MEASUREMENTS.exists(loop.lake):
        return None
    state = _look(loop, now, champion)
    if not state.history:
        return None
    missing = [days for days in state.history.values() if days < MIN_DAYS]
    found = MonitoringStatus(
        budget_days=loop.project.settings.monitoring.budget_days,
        watched=len(state.history),
        calibrated=len(state.history) - len(missing),
        days=max(missing, default=None),
        needed_days=MIN_DAYS,
        unusual=[f"{monitor} of {name}" if name else monitor for monitor, name in state.is_open],
    )
    names = sorted({str(rule.name) for rule in state.unused})
    return found, [f'a rule in [[monitors]] is about "{name}", and nothing of it is measured' for name in names]


def _look(loop: Loop, now: datetime, champion: int) -> WatchState:
    """How far the watching is. It takes the largest part of a status, and stays the same until a day is measured: the
    page, which asks again and again, gets what was found before."""
    project, settings = loop.project, loop.project.settings
    measured = loop.lake.version(MEASUREMENTS.name)
    asked = (measured, loop.state.generation, champion, now.date(), settings.monitors, settings.monitoring)
    known = _looked.get(project.root)
    if known is None or known[0] != asked:
        known = _looked[project.root] = asked, watcher_of(project).look(loop.lake, now, champion=champion)
    return known[1]


def estimate_quality(lake: Lake, now: datetime) -> list[EstimateRecord]:
    """The quality of the last measured day before its outcomes are known, by measure."""
    since = now - timedelta(days=_ERROR_DAYS)
    rows = read_between(lake, MEASUREMENTS, since, before=now)
    if rows.is_empty() or "monitor" not in rows.columns:
        return []
    rows = as_known_then(
        rows.filter(pl.col("role") == CHAMPION, pl.col("monitor").is_in(["estimate", "estimate_error"]))
    )
    newest = rows.filter(pl.col("monitor") == "estimate", pl.col("at") == pl.col("at").max())
    errors = rows.filter(pl.col("monitor") == "estimate_error").sort("at")
    return [
        _estimate(metric, at, judge(value, errors.filter(pl.col("name") == metric)["value"].to_numpy()))
        for metric, at, value in newest.group_by("name", maintain_order=True)
        .agg(pl.col("at").first(), pl.col("value").mean())
        .iter_rows()
    ]


def _estimate(metric: str, at: datetime, found: Estimate | None) -> EstimateRecord:
    if found is not None and found.is_honest:
        return EstimateRecord(
            metric=metric, at=at.isoformat(), value=found.value, error=found.error, coverage=found.coverage, reason=""
        )
    coverage = found.coverage if found else None
    reason = "too few days with outcomes say how far off it is"
    if coverage is not None:
        reason = f"the truth lay within the stated error on only {coverage:.0%} of days"
    return EstimateRecord(metric=metric, at=at.isoformat(), value=None, error=None, coverage=coverage, reason=reason)
