"""How often monitors alarm where nothing has changed, and how soon and how surely they find what has.

Usage: python benchmarks/bench_monitoring.py [--quick] [--replays N] [--cache FOLDER]

Our budget beside fixed limits (PSI > 0.2; Kolmogorov-Smirnov at 5 % with Bonferroni), Evidently's drift preset,
NannyML's calculators and river's detectors, each with its defaults, on the same days; and all of them with the setting
at which they have as few false alarms as ours, which nobody knows beforehand. `make peers` installs those tools. The
days are those of `monitoring.worlds`, and the flights of 2013 with a model (computed once, and kept in the cache
folder), put together in random order by whole weeks. `--replays`: how many runs of nothing, 1,000 by default.
`--quick`: a few minutes; the flights only if they are in the cache. Exits with 1 where a promise does not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from mlops_lab.monitoring.budget.scores import MIN_DAYS
from mlops_lab.monitoring.budget.watch import BUDGET_DAYS
from monitoring.figures import AT, HORIZON_DAYS, QUIET_DAYS, delays, false_alarms
from monitoring.flight_days import FlightYear, has_year, read_year, streams_of
from monitoring.peers import BY_DAY, is_installed, measure_with_peers, write_streams
from monitoring.speed import compare_speed
from monitoring.values import Pool, choose_days, drifting_runs, make_pool, quiet_runs, simulate_days
from monitoring.watchers import Rule, other_rules, tell_days, watch_runs
from monitoring.worlds import DRIFTS
from promises import Promises
from report import OUT, write_report

OURS = "our budget"
LOSS = ("quality", "log_loss")
MAX_FALSE_PAGES = 0.1
"""Of runs with a drift without harm, in at most so many somebody may be woken."""
MIN_SPEED_RATIO = 50
Tuned = dict[str, tuple[Rule, float | None]]
"""By the name of a row: a rule and its setting."""
console = Console(width=170)


def measure_quiet(
    name: str, pool: Pool, rules: Sequence[Rule], *, replays: int, promises: Promises
) -> tuple[dict[str, float], Tuned]:
    """(false alarms in 90 days by rule with its usual setting, the rules tuned to have as few as ours)."""
    chosen = choose_days(np.random.default_rng(1), pool, runs=replays, days=QUIET_DAYS)
    runs = quiet_runs(pool, chosen)
    figures = {OURS: false_alarms(watch_runs(runs.values, budget_days=BUDGET_DAYS).alarms)}
    tuned: Tuned = {}
    for rule in rules:
        console.print(f"{name}: {rule.name} …", style="dim")
        figures[rule.name] = false_alarms(rule.alarms(runs, rule.usual))
        tuned[rule.name] = rule, rule.tune(runs, rate=figures[OURS])
    table = Table(
        "rule",
        "false alarms in 90 days",
        f"setting with {figures[OURS]:.2f}",
        title=f"{name}, nothing has changed: {replays:,} runs of {QUIET_DAYS} days",
    )
    for rule_name, rate in figures.items():
        setting = tuned[rule_name][1] if rule_name in tuned else None
        table.add_row(
            rule_name, f"{rate:.2f}", "" if rule_name == OURS else "none" if setting is None else f"{setting:.3g}"
        )
    console.print(table)
    promises.expect(figures[OURS] <= 1, f"{name}: {figures[OURS]:.2f} false alarms in 90 days")
    return figures, tuned


def measure_drifts(
    pool: Pool, rules: Sequence[Rule], tuned: Tuned, false: dict[str, float], *, runs: int, promises: Promises
) -> list[dict[str, Any]]:
    """How soon each drift is found, and whether it pages; with usual settings, and with as few false alarms as ours."""
    figures: list[dict[str, Any]] = []
    for name, drift in DRIFTS.items():
        console.print(f"drift: {name} …", style="dim")
        chosen = choose_days(np.random.default_rng(2), pool, runs=runs, days=AT + HORIZON_DAYS)
        drifting = drifting_runs(pool, chosen, drift=drift, at=AT)
        ours = watch_runs(drifting.values, budget_days=BUDGET_DAYS)
        pages = float(ours.pages[:, AT:].any(axis=1).mean())
        equal = {rule_name: _delays(rule, drifting, setting) for rule_name, (rule, setting) in tuned.items()}
        found = {
            "drift": name,
            "loss": float(drifting.values[LOSS][:, AT + 28 :].mean() / pool.quiet[LOSS].mean() - 1),
            "pages": pages,
            "usual": {OURS: delays(ours.alarms)} | {rule.name: _delays(rule, drifting, rule.usual) for rule in rules},
            "equal": {OURS: delays(ours.alarms)} | equal,
        }
        figures.append(found)
        if drift.harms:
            promises.expect(pages >= 1 - MAX_FALSE_PAGES, f"{name}: paged in only {pages:.0%} of the runs")
        elif drift.harms is False:
            promises.expect(pages <= MAX_FALSE_PAGES, f"{name}: paged in {pages:.0%} of the runs, without harm")
    print_delays("with usual settings", "usual", figures, false)
    print_delays(f"each with {false[OURS]:.2f} false alarms in 90 days", "equal", figures, None)
    middle = {rule: _middle(figures, rule) for rule in figures[0]["equal"]}
    others = min((days for rule, days in middle.items() if rule != OURS), default=np.inf)
    promises.expect(
        middle[OURS] <= others,
        f"at equal false alarms, the mean of the median delays is {middle[OURS]:.1f} days, and {others:.1f} of another",
    )
    return figures


def _delays(rule: Rule, runs: Any, setting: float | None) -> tuple[float, float]:
    return delays(rule.alarms(runs, setting)) if setting is not None else (np.inf, 1.0)


def _middle(figures: Sequence[dict[str, Any]], rule: str) -> float:
    """The mean over all drifts of the median delay; a drift that is not found counts as the horizon."""
    return float(np.mean([min(of["equal"][rule][0], HORIZON_DAYS) for of in figures]))


def print_delays(what: str, key: str, figures: Sequence[dict[str, Any]], false: dict[str, float] | None) -> None:
    """A row for each rule, a column for each drift."""
    table = Table(
        "rule",
        *(["false in 90 days"] if false else []),
        *(of["drift"] for of in figures),
        title=f"Median days until the alarm, and runs without one in {HORIZON_DAYS} days; {what}",
    )
    for rule in figures[0][key]:
        table.add_row(rule, *([f"{false[rule]:.2f}"] if false else []), *(_cell(*of[key][rule]) for of in figures))
    table.add_section()
    table.add_row("log loss", *([""] if false else []), *(f"{of['loss']:+.0%}" for of in figures))
    table.add_row(f"{OURS} pages", *([""] if false else []), *(f"{of['pages']:.0%}" for of in figures))
    console.print(table)


def _cell(days: float, missed: float) -> str:
    if missed == 1:
        return "never"
    middle = f"{days:.0f}" if np.isfinite(days) else f"> {HORIZON_DAYS}"
    return middle + (f" ({missed:.0%})" if missed else "")


def watch_year(year: FlightYear) -> list[dict[str, Any]]:
    """What is told of the flights' year, month by month, with one model from 1 March on."""
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
    console.print(f"The first {MIN_DAYS} days are the history.\n")
    return figures


def measure_speed(rows: int, promises: Promises) -> dict[str, float] | None:
    """How much faster than Evidently ours measures the drift of 20 columns."""
    if not is_installed("evidently"):
        return None
    found = compare_speed(rows)
    console.print(
        f"{rows:,} rows of 20 columns: ours {found['ours_s']:.2f} s, Evidently {found['evidently_s']:.1f} s: "
        f"{found['ratio']:.0f}× as fast (at least {MIN_SPEED_RATIO} wanted of a million rows)\n"
    )
    is_promised = rows >= 1_000_000
    promises.expect(
        not is_promised or found["ratio"] >= MIN_SPEED_RATIO, f"only {found['ratio']:.0f}× as fast as Evidently"
    )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few minutes")
    parser.add_argument("--replays", type=int, help="how many runs of nothing (1,000; with --quick 20)")
    parser.add_argument("--cache", type=Path, default=OUT / "monitoring", help="where the flights' values are kept")
    options = parser.parse_args()
    replays, drift_runs, pool_days, share, rows = (
        (20, 8, 28, 0.2, 100_000) if options.quick else (1_000, 200, 182, 0.1, 1_000_000)
    )
    replays = options.replays or replays
    for peer in (*BY_DAY, "river"):
        if not is_installed(peer):
            console.print(f"{peer} is not here: `make peers` makes its environment", style="yellow")
    promises = Promises()
    figures: dict[str, Any] = {"runs": replays, "false_alarms": {}, "speed": measure_speed(rows, promises)}
    with threadpool_limits(1), tempfile.TemporaryDirectory() as temporary:  # arrays are small: threads would only wait
        training, sets = simulate_days(pool_days)
        found = measure_with_peers(training, sets)
        pool = make_pool(training, sets, beside=found)
        rules = other_rules(pool, write_streams(Path(temporary) / "streams.npz", sets), share=share)
        false, tuned = measure_quiet("Simulated days", pool, rules, replays=replays, promises=promises)
        figures["false_alarms"]["simulated"] = false
        figures["drifts"] = measure_drifts(pool, rules, tuned, false, runs=drift_runs, promises=promises)
        if not options.quick or has_year(options.cache):
            year = read_year(options.cache)
            flights = year.as_pool()
            rules = other_rules(flights, streams_of(options.cache), share=share)
            figures["false_alarms"]["flights"], _ = measure_quiet(
                "Flights", flights, rules, replays=replays, promises=promises
            )
            figures["year"] = watch_year(year)
    write_report("monitoring", {**figures, "broken": promises.broken})
    for promise in promises.broken:
        console.print(f"error: does not hold: {promise}", style="red")
    return 1 if promises.broken else 0


if __name__ == "__main__":
    sys.exit(main())
