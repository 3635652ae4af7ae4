"""Watching measurements: the rules of a project on the values of its days, within one budget of false alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlops_lab.monitoring.budget.scores import Floats
from mlops_lab.monitoring.budget.watch import Watched, watch
from mlops_lab.monitoring.rules import MonitorRule, Severity, find_rule, scale_values

Series = tuple[str, str]
"""A monitor and a name of the table of measurements."""


@dataclass(frozen=True)
class WatchedGroup:
    """The series that are told equally loudly, and what was found (its monitors are they, in their order)."""

    severity: Severity
    series: Sequence[Series]
    found: Watched


def watch_series(
    values: Mapping[Series, Floats], rules: Sequence[MonitorRule], *, budget_days: float
) -> list[WatchedGroup]:
    """What is found in the days of `values` (..., days), by severity; series without a rule are not watched.

    The severities share the budget equally, and each has its own bets: a note does not end the evidence of a page. The
    series of a rule share its bet: forty inputs do not drown the quality.
    """
    found = {series: find_rule(rules, *series) for series in values}
    groups = {
        severity: {series: rule for series, rule in found.items() if rule is not None and rule.severity is severity}
        for severity in Severity
    }
    used = {severity: group for severity, group in groups.items() if group}
    return [
        _watch_group(severity, group, values, budget_days=budget_days * len(used)) for severity, group in used.items()
    ]


def _watch_group(
    severity: Severity, group: Mapping[Series, MonitorRule], values: Mapping[Series, Floats], *, budget_days: float
) -> WatchedGroup:
    rules = list(group.values())
    scaled, smallest = zip(*(scale_values(rule, values[series]) for series, rule in group.items()), strict=True)
    found = watch(
        np.stack(scaled, axis=-2),
        higher=np.array([rule.higher for rule in rules]),
        lower=np.array([rule.lower for rule in rules]),
        smallest=np.array(smallest),
        weights=np.array([rule.weight / sum(other is rule for other in rules) for rule in rules]),
        budget_days=budget_days,
    )
    return WatchedGroup(severity, list(group), found)
