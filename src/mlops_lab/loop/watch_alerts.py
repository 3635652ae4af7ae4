"""The alerts about what is unusual on a day, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from mlops_lab.alerts.alert import Alert
from mlops_lab.monitoring.budget.scores import HISTORY_DAYS, Floats
from mlops_lab.monitoring.rules import OF_QUALITY, MonitorRule, Severity, is_evidence, name_series
from mlops_lab.monitoring.watching import Series, WatchedGroup

_HINTS = {
    Severity.PAGE: "look at what changed on that day; `mlops status` shows the quality, `mlops rollback` goes back",
    Severity.NOTE: "nothing is known to be worse: see whether the quality holds once outcomes arrive",
}
_HINTS_OF = {
    "contract_breaches": "`mlops quarantine` lists rows that were set aside; look at what sends rows, and what changed",
    "deliveries": "look at who sends rows to this table, and at the rows of that day; nothing was refused",
    "server_errors": "look at the output of the server; run `mlops status`, and `mlops rollback` if a version began it",
    "latency": "look at the load of the machine and its disk; run `mlops status`; add `workers` in [serving]",
    "ab_test": "`mlops ab show` tells what the test shows",
}
_MICROSECOND = timedelta(microseconds=1)
_LARGEST_LOG_E = 30.0


@dataclass(frozen=True)
class DayFacts:
    """What alerts of the last of some days are made of: the values of each series by day, the ends of the days, the
    rules, where it was seen, and the time zone."""

    values: Mapping[Series, Floats]
    days: Sequence[datetime]
    rules: Sequence[MonitorRule]
    where: str
    zone: str


def make_alert(group: WatchedGroup, place: int, *, facts: DayFacts) -> Alert:
    """The alert about the series at this place of the group, which is unusual on the last day."""
    series = group.series[place]
    began, found, name = int(group.found.began[place, -1]), facts.values[series], name_series(*series)
    since = (facts.days[began] - _MICROSECOND).astimezone(ZoneInfo(facts.zone))
    if is_evidence(facts.rules, *series):
        odds = np.exp(min(found[-1], _LARGEST_LOG_E))
        what = f"{name}: the odds that this is no chance are {odds:.3g} to 1; since {since:%Y-%m-%d}"
    else:
        usual = found[:began][-HISTORY_DAYS:]
        usual = usual[np.isfinite(usual)]
        middle = f", usually {_write(float(np.median(usual)))}" if len(usual) else ""
        what = f"{name} is {_write(float(found[-1]))}{middle}; unusual since {since:%Y-%m-%d}"
    hint = _HINTS_OF.get(series[0], _HINTS[group.severity])
    return Alert(facts.days[-1], f"monitor_{group.severity}", what, facts.where, hint, name)


def _write(value: float) -> str:
    return f"{value:,.0f}" if 1_000 <= abs(value) < 1e15 else f"{value:.3g}"


def explain_alerts(alerts: Sequence[Alert], cause: str) -> list[Alert]:
    """The alerts; those of losses say what explains them."""
    return [
        replace(alert, what=f"{alert.what}; {cause}") if cause and alert.what.startswith(OF_QUALITY) else alert
        for alert in alerts
    ]
