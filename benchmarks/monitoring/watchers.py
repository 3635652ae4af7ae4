"""Rules that alarm: our budget, fixed limits as they are usual, and other tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from mlops_lab.monitoring.rules import DEFAULT_RULES, Severity
from mlops_lab.monitoring.watching import watch_series
from monitoring.figures import Flags, first_setting, lowest_limit
from monitoring.peers import is_installed, watch_with_river
from monitoring.values import Floats, Pool, Runs, Series, Values

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


def largest_psi(runs: Runs) -> Floats:
    """(runs, days) the largest PSI of an input."""
    return np.asarray(np.max([column for (monitor, _), column in runs.values.items() if monitor == "drift"], axis=0))


def ks_evidence(runs: Runs) -> Floats:
    """(runs, days) minus the logarithm of the smallest p-value of the Kolmogorov-Smirnov tests of the numbers, times
    how many they are (Bonferroni). p = 2 exp(-2 n D²), n = rows trained / (rows + trained): the first term of the
    series of Smirnov 1939."""
    columns = [column for (monitor, _), column in runs.values.items() if monitor == "kolmogorov_smirnov"]
    rows = runs.pool.rows[runs.chosen]
    size = rows * runs.pool.trained_rows / (rows + runs.pool.trained_rows)
    return np.asarray(2 * size * np.max(columns, axis=0) ** 2 - np.log(2 * len(columns)))


class Rule(Protocol):
    """A rule that alarms on days of runs. At its `usual` setting, or one that was chosen."""

    name: str
    usual: float

    def alarms(self, runs: Runs, setting: float) -> Flags:
        """(runs, days) whether it alarms."""

    def tune(self, quiet: Runs, *, rate: float) -> float | None:
        """The most sensitive setting at which it has at most so many false alarms in 90 days; None: there is none."""


@dataclass(frozen=True)
class Limit:
    """Alarms where a value exceeds a limit."""

    name: str
    strength: Callable[[Runs], Floats]
    usual: float

    def alarms(self, runs: Runs, setting: float) -> Flags:
        return np.asarray(self.strength(runs) > setting)

    def tune(self, quiet: Runs, *, rate: float) -> float | None:
        return lowest_limit(self.strength(quiet), rate=rate)


@dataclass(frozen=True)
class RiverRule:
    """A drift detector of river on the mistakes of the model. `streams`: the file with those of the pool. It looks at
    each row of each run, so it gets only `share` of the runs, and one of `settings` (the most sensitive first)."""

    name: str
    kind: str
    usual: float
    settings: tuple[float, ...]
    streams: Path
    share: float

    def alarms(self, runs: Runs, setting: float) -> Flags:
        some = runs.head(max(4, round(self.share * len(runs.chosen))))
        return watch_with_river(self.streams, sets=some.sets, chosen=some.chosen, kind=self.kind, setting=setting)

    def tune(self, quiet: Runs, *, rate: float) -> float | None:
        return first_setting(lambda setting: self.alarms(quiet, setting), self.settings, rate=rate)


def other_rules(pool: Pool, streams: Path, *, share: float) -> list[Rule]:
    """What is compared with our budget: fixed limits, and the peers that are installed."""
    rules: list[Rule] = [
        Limit("PSI > 0.2", largest_psi, 0.2),
        Limit("KS, Bonferroni", ks_evidence, -float(np.log(0.05))),
    ]
    for name, series in (
        ("Evidently, an input", ("evidently", "largest")),
        ("Evidently, half of them", ("evidently", "half")),
        ("NannyML, drift", ("nannyml", "drift")),
        ("NannyML, CBPE", ("nannyml", "estimate")),
    ):
        if series in pool.quiet:
            rules.append(Limit(name, partial(_values_of, series=series), 1.0))
    if is_installed("river"):
        deltas = (0.3, 0.1, 0.03, 0.01, 2e-3, 1e-4, 1e-6, 1e-9, 1e-14)
        thresholds = (35.0, 50.0, 75.0, 110.0, 160.0, 250.0, 400.0, 800.0)
        rules += [
            RiverRule("river, ADWIN", "ADWIN", 2e-3, deltas, streams, share),
            RiverRule("river, Page-Hinkley", "PageHinkley", 50.0, thresholds, streams, share),
        ]
    return rules


def _values_of(runs: Runs, *, series: Series) -> Floats:
    return runs.values[series]
