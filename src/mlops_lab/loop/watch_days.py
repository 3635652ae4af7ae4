"""Watching the days: whether what was measured of a day is unusual by the days before it, as alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np
import polars as pl

from mlops_lab.alerts.alert import Alert
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import read_between
from mlops_lab.loop.watch_alerts import DayFacts, make_alert
from mlops_lab.monitoring.budget.scores import HISTORY_DAYS, MIN_DAYS, Floats
from mlops_lab.monitoring.budget.watch import BUDGET_DAYS
from mlops_lab.monitoring.limits import MIN_ANSWERS
from mlops_lab.monitoring.measure import CHAMPION
from mlops_lab.monitoring.rules import (
    BESIDE_TRAINING,
    DEFAULT_RULES,
    Group,
    MonitorRule,
    is_evidence,
    name_series,
    rules_of,
)
from mlops_lab.monitoring.watching import Series, SeriesWatcher, WatchedGroup
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.tables.declared import MEASUREMENTS

OF_FEW_ANSWERS = ("volume", "freshness", "contract_breaches", "deliveries", "server_errors", "latency", "ab_test")
"""Monitors that also tell something of a day with few answers."""
_Key: TypeAlias = tuple[Series, int | None]
"""A series; of a version, where it depends on its training."""
_ANSWERS: Series = ("volume", "predictions")
_MICROSECOND = timedelta(microseconds=1)


def watcher_of(project: Project) -> DayWatcher:
    """A watcher with the rules that the project declares."""
    settings = project.settings
    rules, budget_days = rules_of(settings.monitors), settings.monitoring.budget_days
    return DayWatcher(rules=rules, budget_days=budget_days, zone=project.timezone)


class DayWatcher:
    """Watches days one after another. All that it knows comes from the table of measurements: it is kept in memory only
    so that a loop need not look at each day again."""

    def __init__(
        self, *, rules: Sequence[MonitorRule] = DEFAULT_RULES, budget_days: float = BUDGET_DAYS, zone: str = "UTC"
    ) -> None:
        self._rules, self._budget_days, self._zone = rules, budget_days, zone
        self._monitors = {rule.monitor for rule in rules if rule.is_watched} | {_ANSWERS[0]}
        self._days = _DayTable()
        self._series = SeriesWatcher()

    @property
    def beside_training(self) -> set[str]:
        """The watched monitors whose values depend on what a version was trained on."""
        return self._monitors & set(BESIDE_TRAINING)

    def watch(self, lake: Lake, window: Window, measured: pl.DataFrame, *, champion: int) -> WatchedDay:
        """What a day brings, whose measurements are `measured` and not in the lake yet; nothing while there are fewer
        days than what is usual can be told from."""
        self._read_days(lake, window.end)
        today = self._days_of(measured.filter(pl.col("at") == window.end))
        table = self._days.with_days(today)
        if not today:
            return WatchedDay()
        values = table.values(version=table.reference(champion))
        groups = self._series.watch(values, self._rules, budget_days=self._budget_days)
        days = list(table.rows)
        facts = DayFacts(values, days, self._rules, f"version {champion}", self._zone)
        alerts = [
            make_alert(group, int(place), facts=facts)
            for group in groups
            for place in np.flatnonzero(group.found.brought[:, -1])
        ]
        losses = [group.found for group in groups if group.group is Group.QUALITY]
        began = min(
            (int(found.began[found.brought[:, -1], -1].min(initial=len(days))) for found in losses), default=len(days)
        )
        unusual = frozenset(name_series(*series) for series in _open_series(groups)) if len(days) > MIN_DAYS else None
        return WatchedDay(alerts, unusual, days[began] - timedelta(days=1) if began < len(days) else None)

    def look(self, lake: Lake, end: datetime, *, champion: int) -> WatchState:
        """How far the watching is after the days that were measured before `end`."""
        self._read_days(lake, end)
        values = self._days.values(version=self._days.reference(champion))
        groups = self._series.watch(values, self._rules, budget_days=self._budget_days)
        history = {
            series: MIN_DAYS if is_evidence(self._rules, *series) else _count_last(values[series])
            for group in groups
            for series in group.series
        }
        return WatchState(history, _open_series(groups), self._unused(values) if values else [])

    def _unused(self, values: Mapping[Series, Floats]) -> list[MonitorRule]:
        """The rules for a feature or a slice that there is no measurement of."""
        names = {name for _, name in values}
        return [rule for rule in self._rules if rule.name not in (None, *names) and rule not in DEFAULT_RULES]

    def reference(self, lake: Lake, window: Window, *, champion: int) -> int:
        """The version beside whose training data the inputs of a day are watched: the champion, once there are enough
        such days; until then the version of which there are the most."""
        self._read_days(lake, window.end)
        return self._days.reference(champion)

    def _read_days(self, lake: Lake, end: datetime) -> None:
        """Make the days those before `end`. They begin at one of a fixed series of moments, `HISTORY_DAYS` apart, so
        that each day sees the same bets as the day before."""
        if self._days.rows and max(self._days.rows) >= end:
            self._days = _DayTable()  # the clock was set back
        first = _first_day(end)
        known = {at: row for at, row in self._days.rows.items() if at >= first}
        since = max(known) + _MICROSECOND if known else first
        more = self._days_of(read_between(lake, MEASUREMENTS, since, before=end))
        self._days = _DayTable(self._days.places, known).with_days(more)

    def _days_of(self, rows: pl.DataFrame) -> dict[datetime, Mapping[_Key, float]]:
        """What was measured of each day when it was over, oldest first: of what the champion answered, and beside
        training. Of days with few answers, only how many they
        were, and what happened beside them."""
        if rows.is_empty():
            return {}
        rows = rows.filter(
            pl.col("role").is_null() | (pl.col("role") == CHAMPION),
            pl.col("as_of").is_null() | (pl.col("as_of") == pl.col("at")),
            pl.col("monitor").is_in(self._monitors),
        )
        columns = rows.select("at", "monitor", "name", "version", "value").iter_rows()
        found: dict[datetime, dict[_Key, list[float]]] = {}
        for at, monitor, name, version, value in columns:
            key = (monitor, name), version if monitor in BESIDE_TRAINING else None
            found.setdefault(at, {}).setdefault(key, []).append(value)
        days = {at: _summarise(day) for at, day in sorted(found.items()) if (_ANSWERS, None) in day}
        return {
            at: day
            if day[_ANSWERS, None] >= MIN_ANSWERS
            else {key: value for key, value in day.items() if key[0][0] in OF_FEW_ANSWERS}
            for at, day in days.items()
        }


@dataclass(frozen=True)
class WatchedDay:
    """The alerts that a day brings, and what is `unusual` after it: what alerts are about that do not end yet; None
    where that cannot be told. `loss_since`: where a loss is among them, when the first day began that was unusual."""

    alerts: Sequence[Alert] = ()
    unusual: frozenset[str] | None = None
    loss_since: datetime | None = None


@dataclass(frozen=True)
class WatchState:
    """How far the watching is: the days of `history` of each watched series (`MIN_DAYS` are needed), the series that
    are unusual now (`is_open`), and the rules that are about nothing that is measured (`unused`)."""

    history: Mapping[Series, int]
    is_open: Sequence[Series]
    unused: Sequence[MonitorRule]


def _open_series(groups: Sequence[WatchedGroup]) -> list[Series]:
    """The series that are unusual after the last day."""
    return [group.series[int(place)] for group in groups for place in np.flatnonzero(group.found.is_open[:, -1])]


def _count_last(values: Floats) -> int:
    return int(np.isfinite(values[-HISTORY_DAYS:]).sum())


@dataclass(frozen=True)
class _DayTable:
    """The values of days, oldest first: of each the values at the `places` of their keys, NaN where a key is missing;
    a day before a key was known ends before its place."""

    places: Mapping[_Key, int] = field(default_factory=dict)
    rows: Mapping[datetime, Floats] = field(default_factory=dict)

    def with_days(self, days: Mapping[datetime, Mapping[_Key, float]]) -> _DayTable:
        """The table with more days at its end."""
        places, rows = {**self.places}, {**self.rows}
        for at, day in days.items():
            for key in day:
                places.setdefault(key, len(places))
            rows[at] = np.full(len(places), np.nan)
            rows[at][[places[key] for key in day]] = [*day.values()]
        return _DayTable(places, rows)

    def reference(self, champion: int) -> int:
        """The champion, where there are enough days beside its training; else the version with the most such days."""
        matrix = self._matrix()
        places: dict[int, list[int]] = {}
        for (_, version), place in self.places.items():
            if version is not None:
                places.setdefault(version, []).append(place)
        days = {version: int(np.isfinite(matrix[of]).any(axis=0).sum()) for version, of in places.items()}
        if not any(days.values()) or days.get(champion, 0) > MIN_DAYS:
            return champion
        return max(days, key=lambda version: (days[version], version))

    def values(self, *, version: int) -> dict[Series, Floats]:
        """The values of each series by day; drift beside the training of `version`."""
        matrix = self._matrix()
        found = {series: matrix[place] for (series, of), place in self.places.items() if of in (None, version)}
        return {series: column for series, column in found.items() if np.isfinite(column).any()}

    def _matrix(self) -> Floats:
        matrix = np.full((len(self.rows), len(self.places)), np.nan)
        for number, row in enumerate(self.rows.values()):
            matrix[number, : len(row)] = row
        return matrix.T.copy()


def _first_day(end: datetime) -> datetime:
    """From when on days are looked at: at least `MIN_DAYS` + `HISTORY_DAYS` of them, where there are so many."""
    latest = end.toordinal() - MIN_DAYS - HISTORY_DAYS
    first = date.fromordinal(max(1, latest // HISTORY_DAYS * HISTORY_DAYS))
    return datetime(first.year, first.month, first.day, tzinfo=UTC)


def _summarise(day: Mapping[_Key, Sequence[float]]) -> dict[_Key, float]:
    """One value of each series, where several versions were the champion on the day: how many there were together, and
    the mean of the rest."""
    return {key: sum(values) / (1 if key[0][0] == "volume" else len(values)) for key, values in day.items()}
