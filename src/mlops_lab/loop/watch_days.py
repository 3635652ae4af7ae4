"""Watching the days: whether what was measured of a day is unusual by the days before it, as alerts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from mlops_lab.alerts.alert import Alert
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import read_between
from mlops_lab.monitoring.budget.scores import HISTORY_DAYS, MIN_DAYS, Floats
from mlops_lab.monitoring.budget.watch import BUDGET_DAYS
from mlops_lab.monitoring.limits import MIN_ANSWERS
from mlops_lab.monitoring.measure import CHAMPION, as_known_then
from mlops_lab.monitoring.rules import DEFAULT_RULES, Severity
from mlops_lab.monitoring.watching import Series, WatchedGroup, watch_series
from mlops_lab.monitoring.window import Window
from mlops_lab.tables.declared import MEASUREMENTS

BESIDE_TRAINING = (
    "jensen_shannon",
    "joint_drift",
    "unseen",
    "drift",
    "kolmogorov_smirnov",
    "wasserstein",
    "chi_squared",
)
"""Monitors whose values depend on what a version was trained on: days of other versions say nothing about it."""
OF_VOLUME = ("volume", "freshness")
_SERIES = ["monitor", "name"]
_HINTS = {
    Severity.PAGE: "look at what changed on that day; `mlops status` shows the quality, `mlops rollback` goes back",
    Severity.NOTE: "nothing is known to be worse: see whether the quality holds once outcomes arrive",
}


@dataclass(frozen=True)
class WatchedDay:
    """The alerts that a day brings, and what is `unusual` after it: what alerts are about that do not end yet; None
    where that cannot be told."""

    alerts: list[Alert] = field(default_factory=list)
    unusual: frozenset[str] | None = None


def watch_day(lake: Lake, window: Window, measured: pl.DataFrame, *, champion: int, zone: str) -> WatchedDay:
    """What a day brings, whose measurements are `measured` and not in the lake yet; nothing while there are fewer days
    than what is usual can be told from. Dates are those of the time zone `zone`.

    The days before begin at one of a fixed series of moments, `HISTORY_DAYS` apart, so that each day sees the same
    bets as the day before.
    """
    since = _first_day(window.end)
    earlier = read_between(lake, MEASUREMENTS, since, before=window.end)
    rows = pl.concat([earlier, measured], how="diagonal_relaxed") if earlier.height else measured
    values, days = _values_by_day(rows, champion=champion)
    if len(days) <= MIN_DAYS or days[-1] != window.end:
        return WatchedDay()
    groups = watch_series(values, DEFAULT_RULES, budget_days=BUDGET_DAYS)
    alerts = [
        _alert(group, int(place), values=values, days=days, where=f"version {champion}", zone=zone)
        for group in groups
        for place in np.flatnonzero(group.found.brought[:, -1])
    ]
    still = [group.series[int(place)] for group in groups for place in np.flatnonzero(group.found.is_open[:, -1])]
    return WatchedDay(alerts, frozenset(_name(*series) for series in still))


def _first_day(end: datetime) -> datetime:
    """From when on days are looked at: at least `MIN_DAYS` + `HISTORY_DAYS` of them, where there are so many."""
    latest = end.toordinal() - MIN_DAYS - HISTORY_DAYS
    first = date.fromordinal(max(1, latest // HISTORY_DAYS * HISTORY_DAYS))
    return datetime(first.year, first.month, first.day, tzinfo=UTC)


def _values_by_day(rows: pl.DataFrame, *, champion: int) -> tuple[dict[Series, Floats], list[datetime]]:
    """The values of each series, NaN on days on which it was not measured, and the days, oldest first.

    Only what the champion of a day answered counts; on days with few answers, only how many they were.
    """
    rows = as_known_then(rows.filter(pl.col("role").is_null() | (pl.col("role") == CHAMPION)))
    rows = rows.filter(~pl.col("monitor").is_in(BESIDE_TRAINING) | (pl.col("version") == champion))
    answers = rows.filter(pl.col("monitor") == "volume", pl.col("name") == "predictions")
    busy = answers.group_by("at").agg(pl.col("value").sum()).filter(pl.col("value") >= MIN_ANSWERS)["at"]
    days = sorted(answers["at"].unique())
    rows = rows.filter(pl.col("monitor").is_in(OF_VOLUME) | pl.col("at").is_in(busy.implode()))
    is_volume = pl.col("monitor") == "volume"
    value = pl.when(is_volume.first()).then(pl.col("value").sum()).otherwise(pl.col("value").mean())
    daily = rows.group_by("at", *_SERIES, maintain_order=True).agg(value.alias("value"))
    place = {day: number for number, day in enumerate(days)}
    values: dict[Series, Floats] = {}
    for at, monitor, name, found in daily.select("at", *_SERIES, "value").iter_rows():
        if at in place:
            values.setdefault((monitor, name), np.full(len(days), np.nan))[place[at]] = found
    return values, days


def _alert(
    group: WatchedGroup,
    place: int,
    *,
    values: dict[Series, Floats],
    days: list[datetime],
    where: str,
    zone: str,
) -> Alert:
    monitor, name = group.series[place]
    began = int(group.found.began[place, -1])
    found = values[monitor, name]
    usual = found[:began][-HISTORY_DAYS:]
    usual = usual[np.isfinite(usual)]
    since = (days[began] - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    middle = f", usually {np.median(usual):.3g}" if len(usual) else ""
    what = f"{_name(monitor, name)} is {found[-1]:.3g}{middle}; unusual since {since:%Y-%m-%d}"
    return Alert(days[-1], f"monitor_{group.severity}", what, where, _HINTS[group.severity], _name(monitor, name))


def _name(monitor: str, name: str) -> str:
    return f"{monitor} of {name}" if name else monitor
