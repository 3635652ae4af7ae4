"""How often monitors alarm where nothing has changed, and how soon and how surely they find what has.

Usage: python benchmarks/bench_monitoring.py [--quick] [--cache FOLDER]

Our budget beside fixed limits (PSI > 0.2; Kolmogorov-Smirnov at 5 % with Bonferroni) on the same days: as they are
used, and with the limit of each chosen so that it has one false alarm in 90 days, which nobody knows beforehand. The
days are those of `monitoring.worlds`, and the flights of 2013 with a model (computed once, a minute, and kept in the
cache folder), put together in random order by whole weeks. `--quick`: about a minute, the flights only if they are in
the cache. Exits with 1 where a promise does not hold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from mlops_lab.monitoring.budget.scores import MIN_DAYS
from mlops_lab.monitoring.budget.watch import BUDGET_DAYS
from monitoring.flight_days import FlightYear, has_year, read_year
from monitoring.values import Floats, Ints, Pool, choose_days, drifting_series, quiet_series, simulate_pool
from monitoring.watchers import FIXED_RULES, Flags, tell_days, watch_runs
from monitoring.worlds import DRIFTS
from promises import Promises
from report import OUT, write_report

OURS = "our budget"
LOSS = ("quality", "log_loss")
QUIET_DAYS = MIN_DAYS + 180
AT, HORIZON_DAYS = 91, 60
"""The drift begins on this day, and is to be found within so many days."""
EPISODE_DAYS = 7
"""Alarms that lie closer together count as one."""
MAX_FALSE_PAGES = 0.1
"""Of runs with a drift without harm, in at most so many somebody may be woken."""
Alarm = Callable[[dict[Any, Floats], Ints], Flags]
console = Console(width=140)


def false_alarms(alarms: Flags) -> float:
    """Episodes of alarms in 90 days of nothing."""
    watched = episodes(alarms)[:, MIN_DAYS:]
    return float(watched.sum()) / watched.size * BUDGET_DAYS


def episodes(alarms: Flags) -> Flags:
    """Alarms, those less than `EPISODE_DAYS` after one that counts left out: what lasts is told once a week."""
    counted = np.zeros_like(alarms)
    for day in range(alarms.shape[1]):
        recent = counted[:, max(0, day - EPISODE_DAYS + 1) : day].any(axis=1)
        counted[:, day] = alarms[:, day] & ~recent
    return counted


def limit_of_budget(strength: Floats) -> float:
    """The lowest limit at which there is at most one false alarm in 90 days."""
    limits = np.quantile(strength, np.linspace(0.8, 1, 400))
    return float(next(limit for limit in limits if false_alarms(strength > limit) <= 1))


def ours_at_budget(values: dict[Any, Floats]) -> float:
    """The threshold at which our budget has one false alarm in 90 days, for the comparison: in use it is 90."""
    for threshold in (2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 16.0, 23.0, 32.0, 45.0, 64.0, BUDGET_DAYS):
        if false_alarms(watch_runs(values, budget_days=threshold).alarms) <= 1:
            return threshold
    return BUDGET_DAYS


def measure_quiet(name: str, pool: Pool, runs: int, promises: Promises) -> tuple[dict[str, float], dict[str, Alarm]]:
    """(false alarms in 90 days by rule, all rules: as they are used, and at equal false alarms)."""
    chosen = choose_days(np.random.default_rng(1), pool, runs=runs, days=QUIET_DAYS)
    values = quiet_series(pool, chosen)
    figures = {OURS: false_alarms(watch_runs(values, budget_days=BUDGET_DAYS).alarms)}
    few = {series: column[: max(60, runs // 10)] for series, column in values.items()}
    equal = ours_at_budget(few)
    rules: dict[str, Alarm] = {OURS: _our_rule(BUDGET_DAYS), f"{OURS}, equal": _our_rule(equal)}
    for rule, (strength_of, limit) in FIXED_RULES.items():
        strength = strength_of(values, pool, chosen)
        figures[rule] = false_alarms(strength > limit)
        rules[rule] = _fixed_rule(pool, strength_of, limit)
        rules[f"{rule.split(' >')[0]}, equal"] = _fixed_rule(pool, strength_of, limit_of_budget(strength))
    table = Table(
        "rule", "false alarms in 90 days", title=f"{name}, nothing has changed: {runs:,} runs of {QUIET_DAYS} days"
    )
    for rule, rate in figures.items():
        table.add_row(rule, f"{rate:.2f}")
    console.print(table)
    promises.expect(figures[OURS] <= 1, f"{name}: {figures[OURS]:.2f} false alarms in 90 days")
    return figures, rules


def _our_rule(threshold: float) -> Alarm:
    return lambda values, _chosen: watch_runs(values, budget_days=threshold).alarms


def _fixed_rule(pool: Pool, strength_of: Callable[..., Floats], limit: float) -> Alarm:
    return lambda values, chosen: np.asarray(strength_of(values, pool, chosen) > limit)


def delays(alarms: Flags) -> tuple[float, float]:
    """(median days until the first alarm, share of runs without any) within the horizon."""
    after = alarms[:, AT : AT + HORIZON_DAYS]
    days = np.where(after.any(axis=1), after.argmax(axis=1) + 1, np.inf)
    return float(np.median(days)), float(np.isinf(days).mean())


def measure_drifts(pool: Pool, rules: dict[str, Alarm], runs: int, promises: Promises) -> list[dict[str, Any]]:
    """How soon each drift is found, and whether it pages."""
    table = Table("drift", "log loss", *rules, "pages", title="Median days until the alarm, and runs without one")
    figures = []
    for name, drift in DRIFTS.items():
        chosen = choose_days(np.random.default_rng(2), pool, runs=runs, days=AT + HORIZON_DAYS)
        values = drifting_series(pool, chosen, kind=name, drift=drift, at=AT)
        found = {rule: delays(alarm(values, chosen)) for rule, alarm in rules.items()}
        pages = watch_runs(values, budget_days=BUDGET_DAYS).pages[:, AT:].any(axis=1).mean()
        cells = [f"{days:.0f}" + (f" ({missed:.0%} missed)" if missed else "") for days, missed in found.values()]
        loss = float(pool.drifts[name][-1][LOSS].mean() / pool.quiet[LOSS].mean() - 1)
        table.add_row(name, f"{loss:+.0%}", *cells, f"{pages:.0%}")
        figures.append({"drift": name, "loss": loss, "pages": float(pages), "found": found})
        if drift.harms:
            promises.expect(pages >= 1 - MAX_FALSE_PAGES, f"{name}: paged in only {pages:.0%} of the runs")
        elif drift.harms is False:
            promises.expect(pages <= MAX_FALSE_PAGES, f"{name}: paged in {pages:.0%} of the runs, without harm")
    console.print(table)
    console.print(
        "Equal: the limit at which the rule has one false alarm in 90 days on these very days; a fixed limit is"
        " not known beforehand.\n"
    )
    return figures


def watch_year(year: FlightYear) -> list[dict[str, Any]]:
    """What is told of the flights' year, month by month, with one model from 1 March on."""
    names = list(year.values)
    told = tell_days(year.values, budget_days=BUDGET_DAYS)
    table = Table(
        "month", "log loss", "pages", "notes", title="The flights of 2013, one model trained on all before March"
    )
    figures = []
    for month in sorted({day.month for day in year.days}):
        places = [place for place, day in enumerate(year.days) if day.month == month]
        loss = float(np.nanmean(year.values[LOSS][places]))
        pages, notes = (
            [
                f"{year.days[item.day]:%d} {' '.join(item.series)}"
                for item in told
                if item.day in places and item.pages is is_page
            ]
            for is_page in (True, False)
        )
        table.add_row(f"{month}", f"{loss:.3f}", "\n".join(pages), "\n".join(notes))
        figures.append({"month": month, "log_loss": loss, "pages": pages, "notes": notes})
    console.print(table)
    console.print(f"{len(names)} series; the first {MIN_DAYS} days are the history.\n")
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--cache", type=Path, default=OUT / "monitoring", help="where the flights' values are kept")
    options = parser.parse_args()
    quiet_runs, drift_runs, pool_days = (40, 12, 49) if options.quick else (1_000, 200, 182)
    promises = Promises()
    with threadpool_limits(1):  # the arrays are small: threads only wait for each other
        pool = simulate_pool(pool_days)
        false, rules = measure_quiet("Simulated days", pool, quiet_runs, promises)
        figures: dict[str, Any] = {"runs": quiet_runs, "false_alarms": {"simulated": false}}
        figures["drifts"] = measure_drifts(pool, rules, drift_runs, promises)
        if not options.quick or has_year(options.cache):
            year = read_year(options.cache)
            figures["false_alarms"]["flights"], _ = measure_quiet(
                "Flights", year.as_pool(), max(10, quiet_runs // 4), promises
            )
            figures["year"] = watch_year(year)
    write_report("monitoring", {**figures, "broken": promises.broken})
    for promise in promises.broken:
        console.print(f"error: does not hold: {promise}", style="red")
    return 1 if promises.broken else 0


if __name__ == "__main__":
    sys.exit(main())
