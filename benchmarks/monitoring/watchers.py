"""Rules that alarm: our budget, and fixed limits as they are usual."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlops_lab.monitoring.rules import DEFAULT_RULES, Severity
from mlops_lab.monitoring.watching import watch_series
from monitoring.values import Floats, Ints, Pool, Series, Values

Flags = npt.NDArray[np.bool_]
_CHUNK = 16
"""Runs watched together: so many fit in the processor's cache."""


@dataclass(frozen=True)
class Alarms:
    """(runs, days) whether there was an alarm, and whether somebody is woken for it."""

    alarms: Flags
    pages: Flags


@dataclass(frozen=True)
class Told:
    """A series that brought an alarm on a day, and whether somebody is woken for it."""

    day: int
    series: Series
    pages: bool


def watch_runs(values: Values, *, budget_days: float) -> Alarms:
    """The alarms of our budget with the rules that a project has by default."""
    none = np.zeros(next(iter(values.values())).shape, dtype=bool)
    alarms = {severity: none.copy() for severity in Severity}
    for first in range(0, len(none), _CHUNK):
        some = slice(first, first + _CHUNK)
        chunk = {series: column[some] for series, column in values.items()}
        for group in watch_series(chunk, DEFAULT_RULES, budget_days=budget_days):
            alarms[group.severity][some] |= group.found.alarm
    notes, pages = alarms[Severity.NOTE], alarms[Severity.PAGE]
    return Alarms(notes | pages, pages)


def tell_days(values: Values, *, budget_days: float) -> list[Told]:
    """What is told in one series of days."""
    return [
        Told(int(day), group.series[place], group.severity is Severity.PAGE)
        for group in watch_series(values, DEFAULT_RULES, budget_days=budget_days)
        for day, place in zip(*np.nonzero(group.found.brought.T), strict=True)
    ]


def largest_psi(values: Values, _pool: Pool, _chosen: Ints) -> Floats:
    """(runs, days) the largest PSI of an input."""
    return np.asarray(np.max([column for (monitor, _), column in values.items() if monitor == "drift"], axis=0))


def ks_evidence(values: Values, pool: Pool, chosen: Ints) -> Floats:
    """(runs, days) minus the logarithm of the smallest p-value of the Kolmogorov-Smirnov tests of the numbers, times
    how many they are (Bonferroni). p = 2 exp(-2 n D²), n = rows trained / (rows + trained): the first term of the
    series of Smirnov 1939."""
    columns = [column for (monitor, _), column in values.items() if monitor == "kolmogorov_smirnov"]
    rows = pool.rows[chosen]
    size = rows * pool.trained_rows / (rows + pool.trained_rows)
    return np.asarray(2 * size * np.max(columns, axis=0) ** 2 - np.log(2 * len(columns)))


FIXED_RULES: Mapping[str, tuple[Callable[[Values, Pool, Ints], Floats], float]] = {
    "PSI > 0.2": (largest_psi, 0.2),
    "KS, Bonferroni": (ks_evidence, -float(np.log(0.05))),
}
"""By name: how strong an alarm is on each day, and the limit that is usual."""
