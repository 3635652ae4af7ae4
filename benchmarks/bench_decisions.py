"""How often decisions on evidence are wrong, and how long they take: our always-valid test beside t-tests.

Usage: python benchmarks/bench_decisions.py [--quick] [--cache FOLDER]

Simulated days (A/A rollouts of 60 days looked at after every one, better and worse challengers), and the flights of
2013 with real models, whose daily losses are computed once (minutes) and kept in the cache folder; simulated A/B tests.
`--quick`: fewer runs, and the flights only if they are in the cache. Exits with 1 where a promise does not hold.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from decisions.ab import DAYS as AB_DAYS
from decisions.ab import ABTest, judge_tests
from decisions.days import NOT_PROMISED, PROMISED, Draw, correlated, heavy_tailed, independent
from decisions.flights import PLANTED, FlightLosses, has_losses, read_losses
from decisions.policy import HORIZON_DAYS, false_promotions, planted_runs, refit_blindly, run_year, stop_worse
from decisions.rules import LARGEST_CORRELATION, NEVER, RULES, Floats, days_of_equal_power, prove_better
from mlops_lab.rollout.evidence.several import expected_false_promotions
from mlops_lab.status.ab_report import SHARES_ALPHA
from promises import Promises
from report import OUT, write_report

ALPHAS = (0.05, 0.01)
OURS = next(iter(RULES))
EFFECTS = (0.3, 0.5, 0.75)
"""Mean daily gain in standard deviations: that between refits four weeks apart on the flights."""
LARGEST_RATIO, FROM_POWER = 0.6, 0.95
"""Median days until our decision, relative to a single look with the same power and the same promise; for gains that
are found nearly always within the horizon."""
BETTER: dict[str, Draw] = {
    "independent": independent,
    "correlated, 0.2": correlated(0.2),
    "heavy tails": heavy_tailed,
}
WORSE = (-0.25, -0.5, -1.0, -2.0)
ROWS_A_DAY = 1_000
EQUAL_ARMS = {
    "equal arms": ABTest(),
    "equal arms, three of them": ABTest(effects=(0.0, 0.0, 0.0)),
    "equal on average, days differ": ABTest(day_effect=0.5),
    "equal on average, days correlated by 0.4": ABTest(day_effect=0.5, correlation=0.4),
    "equal arms, one loses its worst half": ABTest(lost=0.5),
    "equal arms, one loses its worst 30 %": ABTest(lost=0.3),
}
FEW_LOST = "equal arms, one loses its worst 30 %"
"""Too few of 600 customers for the check of the shares to find them always: shown, without a promise."""
BETTER_ARMS = {f"better by {effect}": ABTest(effects=(effect,)) for effect in (0.2, 0.4, 0.6)}
console = Console(width=130)


def draw(name: str, how: Draw, runs: int, effect: float = 0.0) -> Floats:
    """Twice HORIZON_DAYS; the same runs for the same name."""
    seed = np.random.default_rng(list(name.encode()))
    return how(seed, (runs, 2 * HORIZON_DAYS)) + effect


def measure_false_promotions(runs: int, flights: FlightLosses | None, promises: Promises) -> dict[str, Any]:
    """The share of rollouts of a challenger that is not better in which it is promoted."""
    table = Table(
        "days", *RULES, f"{OURS},\n{2 * HORIZON_DAYS} days", title="Falsely promoted, in %, at alpha 0.05 / 0.01"
    )
    figures: dict[str, Any] = {}
    for name, how in {**PROMISED, **NOT_PROMISED}.items():
        gains = draw(name, how, runs)
        shares = {
            rule: [float((promote(gains[:, :HORIZON_DAYS], alpha) != NEVER).mean()) for alpha in ALPHAS]
            for rule, promote in RULES.items()
        }
        shares["longer"] = [float((prove_better(gains, alpha) != NEVER).mean()) for alpha in ALPHAS]
        _add_row(table, name if name in PROMISED else f"({name})", shares)
        figures[name] = shares
    if flights is not None:
        shares = {
            rule: [false_promotions(flights, promote, alpha) for alpha in ALPHAS] for rule, promote in RULES.items()
        }
        _add_row(table, "flights, pairs of seeds", shares)
        figures["flights"] = shares
    for name in figures.keys() - NOT_PROMISED.keys():
        for share, alpha in zip(figures[name][OURS], ALPHAS, strict=True):
            promises.expect(share <= alpha, f"{name}: {share:.2%} promoted falsely at alpha {alpha}")
    console.print(table)
    console.print(
        f"In brackets: days that break an assumption; no promise. {runs:,} runs of {HORIZON_DAYS} days each.\n"
    )
    return figures


def _add_row(table: Table, name: str, shares: dict[str, list[float]]) -> None:
    table.add_row(name, *(" / ".join(f"{100 * share:.2f}" for share in pair) for pair in shares.values()))


def measure_power(runs: int, promises: Promises) -> list[dict[str, Any]]:
    """Days until a better challenger is promoted, beside single looks with the same power."""
    columns = ("days", "mean gain", "promoted", "median days", "one look", "ratio", "same promise", "ratio")
    table = Table(*columns, title=f"The challenger is better (alpha 0.05, {2 * HORIZON_DAYS} days)")
    figures = []
    for name, how in BETTER.items():
        for effect in EFFECTS:
            gains = draw(name, how, runs, effect)
            days = prove_better(gains, 0.05)
            power, median = float((days != NEVER).mean()), float(np.median(days))
            plain = days_of_equal_power(gains, 0.05, power)
            honest = days_of_equal_power(gains, 0.05, power, correlation=LARGEST_CORRELATION)
            table.add_row(name, f"{effect} sd", f"{power:.1%}", f"{median:.0f}",
                          *_beside(median, plain), *_beside(median, honest))  # fmt: skip
            figures.append({"days": name, "effect": effect, "power": power, "median_days": median,
                            "one_look_days": plain, "one_look_same_promise_days": honest})  # fmt: skip
            fast_enough = median <= LARGEST_RATIO * honest
            promises.expect(
                fast_enough or power < FROM_POWER, f"{name}, {effect} sd: {median:.0f} days, one look {honest}"
            )
    console.print(table)
    console.print(
        "One look: a t-test on a number of days fixed beforehand, with the same power. Same promise: its standard error"
        f" holds the error rate for correlations up to {LARGEST_CORRELATION}, as ours does; the plain one errs in 9 to"
        " 15 % there.\n"
    )
    return figures


def _beside(median: float, days: int) -> tuple[str, str]:
    if days == NEVER:
        return f"> {2 * HORIZON_DAYS}", f"< {median / (2 * HORIZON_DAYS):.2f}"
    return f"{days}", f"{median / days:.2f}"


def measure_stops(runs: int, flights: FlightLosses | None, promises: Promises) -> list[dict[str, Any]]:
    """What becomes of worse challengers."""
    table = Table("challenger", "runs", "promoted", "proved worse", "median days", "harmed requests",
                  title="The challenger is worse (alpha 0.05)")  # fmt: skip
    cases = {
        f"{effect} sd, {name}": (
            draw(name, how, runs, effect)[:, :HORIZON_DAYS],
            np.full((runs, HORIZON_DAYS), float(ROWS_A_DAY)),
        )
        for name, how in BETTER.items()
        for effect in WORSE
    }
    if flights is not None:
        cases |= {f"flights: {name}": planted_runs(flights, kind) for kind, name in enumerate(PLANTED)}
    figures = []
    for name, (gains, rows) in cases.items():
        stopped = stop_worse(gains, rows, 0.05)
        table.add_row(name, f"{stopped.runs:,}", f"{stopped.promoted}", f"{stopped.proved_worse / stopped.runs:.1%}",
                      f"{stopped.median_days:.0f}", f"{stopped.harmed_requests:,.0f}")  # fmt: skip
        figures.append({"challenger": name, **vars(stopped)})
        promises.expect(stopped.promoted == 0, f"{name}: promoted in {stopped.promoted} of {stopped.runs} runs")
        promises.expect(stopped.runs >= 200, f"{name}: only {stopped.runs} runs")
    console.print(table)
    console.print(
        "Stopped: proved worse, or no proof within 60 days. Harmed: answered by it in a 10 % canary until then.\n"
    )
    return figures


def measure_ab(runs: int, promises: Promises) -> list[dict[str, Any]]:
    """Verdicts of A/B tests on customers that stay in their arm."""
    columns = ("A/B test", "verdicts", "shares not checked", "shares found wrong", "without history", "median days")
    table = Table(*columns, title=f"Verdicts in A/B tests of {AB_DAYS} days, in %, at alpha 0.05")
    figures, wrongly = [], []
    for name, kind in {**EQUAL_ARMS, **BETTER_ARMS}.items():
        with_history = judge_tests(name, kind, runs, alpha=0.05)
        without = judge_tests(name, kind, runs, alpha=0.05, use_history=False)
        shares = (with_history.found, with_history.unchecked, with_history.wrong_shares, without.found)
        days = "-" if np.isnan(with_history.median_days) else f"{with_history.median_days:.0f}"
        table.add_row(f"({name})" if name == FEW_LOST else name, *(f"{100 * share:.1f}" for share in shares), days)
        figures.append({"test": name, "with_history": vars(with_history), "without_history": vars(without)})
        if name in EQUAL_ARMS and name != FEW_LOST:
            for found in (with_history.found, without.found):
                promises.expect(found <= 0.05, f"A/B, {name}: {found:.1%} falsely called better or worse")
        if not kind.lost:
            wrongly.append(with_history.wrong_shares)
    promises.expect(np.mean(wrongly) <= SHARES_ALPHA, f"A/B: right shares called wrong in {np.mean(wrongly):.1%}")
    console.print(table)
    console.print(
        "Gains in standard deviations of the customers' levels. A look after every day; a verdict counts only while the"
        " shares of the arms are not found to be wrong.\n"
    )
    return figures


def measure_year(flights: FlightLosses) -> list[dict[str, Any]]:
    """The log loss of the year's flights under several policies."""
    table = Table("policy", "refits", "log loss", "promotions", "expected false, at most",
                  title="The flights from March to December")  # fmt: skip
    figures = []
    for every in (1, 2):
        for margin in (0.0, 0.002):
            loss, days = run_year(flights, alpha=0.05, margin=margin, every=every)
            name = "better" if margin == 0 else f"not worse by {margin}"
            expected = expected_false_promotions(0.05, rollouts=len(days) + 1)
            table.add_row(f"proved {name}", f"{14 * every} days", f"{loss:.4f}", f"{len(days)}", f"{expected:.2f}")
            figures.append({"margin": margin, "refit_days": 14 * every, "log_loss": loss, "promotion_days": days})
        blind = refit_blindly(flights, every)
        table.add_row("promoted unseen", f"{14 * every} days", f"{blind:.4f}", "all", "no promise")
        figures.append({"refit_days": 14 * every, "log_loss": blind})
    table.add_row("never", "none", f"{refit_blindly(flights, 0):.4f}", "0", "0")
    console.print(table)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="at most a minute")
    parser.add_argument("--cache", type=Path, default=OUT / "decisions", help="where the flights' losses are kept")
    options = parser.parse_args()
    flights = None if options.quick and not has_losses(options.cache) else read_losses(options.cache)
    runs = 2_000 if options.quick else 10_000
    promises = Promises()
    figures: dict[str, Any] = {"runs": runs}
    figures["false_promotions"] = measure_false_promotions(runs, flights, promises)
    figures["power"] = measure_power(runs // 4, promises)
    figures["worse"] = measure_stops(500, flights, promises)
    figures["ab"] = measure_ab(100 if options.quick else 1_000, promises)
    if flights is not None:
        figures["year"] = measure_year(flights)
    write_report("decisions", {**figures, "broken": promises.broken})
    for promise in promises.broken:
        console.print(f"error: does not hold: {promise}", style="red")
    return 1 if promises.broken else 0


if __name__ == "__main__":
    sys.exit(main())
