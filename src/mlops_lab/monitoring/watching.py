"""Watching measurements: the rules of a project on the values of its days, within one budget of false alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlops_lab.monitoring.budget.scores import Floats
from mlops_lab.monitoring.budget.watch import Watched, Watcher
from mlops_lab.monitoring.rules import BUDGET_SHARES, Group, MonitorRule, Severity, find_rule, scale_values

Series = tuple[str, str]
"""A monitor and a name of the table of measurements."""


BOUND = 0.4
"""The bets keep the mean time between false alarms above a bound, with room to spare: simulated, it is more than 2.5
times the bound (`make bench-monitoring`). So a budget is promised by a bound of this share of it."""
_Key = tuple[tuple[tuple[Series, MonitorRule], ...], float]


@dataclass(frozen=True)
class WatchedGroup:
    """The series that share bets, and what was found (its monitors are they, in their order)."""

    group: Group
    severity: Severity
    series: Sequence[Series]
    found: Watched


class SeriesWatcher:
    """The rules of a project on its series, day after day: what was looked at before is not looked at again."""

    def __init__(self) -> None:
        self._watchers: dict[Group, tuple[_Key, Watcher]] = {}

    def watch(
        self, values: Mapping[Series, Floats], rules: Sequence[MonitorRule], *, budget_days: float
    ) -> list[WatchedGroup]:
        """What is found in the days of `values` (..., days), by group; series without a rule are not watched.

        The groups share the budget (`BUDGET_SHARES`), and each has its own bets. The series of a rule share its bet:
        forty inputs do not drown the quality.
        """
        found = {series: find_rule(rules, *series) for series in values}
        groups = {
            group: {series: rule for series, rule in found.items() if rule is not None and rule.group is group}
            for group in Group
        }
        used = {group: of_series for group, of_series in groups.items() if of_series}
        total = sum(BUDGET_SHARES[group] for group in used)
        return [
            self._watch_group(group, of_series, values, budget_days * BOUND * total / BUDGET_SHARES[group])
            for group, of_series in used.items()
        ]

    def _watch_group(
        self,
        name: Group,
        group: Mapping[Series, MonitorRule],
        values: Mapping[Series, Floats],
        budget_days: float,
    ) -> WatchedGroup:
        key = (tuple(group.items()), budget_days)
        scaled, smallest = zip(*(scale_values(rule, values[series]) for series, rule in group.items()), strict=True)
        before, watcher = self._watchers.get(name, (None, None))
        if watcher is None or before != key:
            watcher = _make_watcher(list(group.values()), np.array(smallest), budget_days=budget_days)
            self._watchers[name] = key, watcher
        return WatchedGroup(
            name, next(iter(group.values())).severity, list(group), watcher.watch(np.stack(scaled, axis=-2))
        )


def watch_series(
    values: Mapping[Series, Floats], rules: Sequence[MonitorRule], *, budget_days: float
) -> list[WatchedGroup]:
    """What is found in the days of `values`, from the first of them on (see `SeriesWatcher.watch`)."""
    return SeriesWatcher().watch(values, rules, budget_days=budget_days)


def _make_watcher(rules: Sequence[MonitorRule], smallest: Floats, *, budget_days: float) -> Watcher:
    return Watcher(
        higher=np.array([rule.higher for rule in rules]),
        lower=np.array([rule.lower for rule in rules]),
        smallest=smallest,
        targets=np.array([np.nan if rule.target is None else rule.target for rule in rules]),
        are_evidence=np.array([rule.is_evidence for rule in rules]),
        weights=np.array([rule.weight / sum(other is rule for other in rules) for rule in rules]),
        budget_days=budget_days,
    )
