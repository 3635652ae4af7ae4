"""Rules that promote a challenger on daily gains: ours, and what is usual. Each gives, for runs (runs, days), the
number of days until the promotion (NEVER: none)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

from mlops_lab.rollout.evidence.paired import weigh_gains
from mlops_lab.training.backtest import compare_blocks

NEVER = 10**6
FEWEST_DAYS = 5
"""Before so many days nobody looks at a t-test."""
LARGEST_CORRELATION = 0.4
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rule = Callable[[Floats, float], Ints]


def prove_better(gains: Floats, alpha: float) -> Ints:
    """Ours, looked at after every day."""
    return _first(weigh_gains(gains, alpha=alpha).is_proved)


def look_once(days: int) -> Rule:
    """The gate's t-test on so many days."""

    def promote(gains: Floats, alpha: float) -> Ints:
        passed = [compare_blocks(run[:days]).p_value < alpha for run in gains]
        return np.where(passed, days, NEVER)

    return promote


def look_daily(gains: Floats, alpha: float) -> Ints:
    """The same t-test, looked at after every day."""
    passed = t_values(gains) > stats.t.ppf(1 - alpha, np.maximum(np.arange(gains.shape[1]), 1))
    passed[:, : FEWEST_DAYS - 1] = False
    return _first(passed)


def t_values(gains: Floats) -> Floats:
    """Student's t of the days so far, after each day; 0 after the first."""
    days = np.arange(1, gains.shape[1] + 1)
    mean = np.cumsum(gains, axis=1) / days
    variance = (np.cumsum(gains**2, axis=1) - days * mean**2) / np.maximum(days - 1, 1)
    values = np.zeros_like(gains)
    values[:, 1:] = (mean / np.sqrt(np.maximum(variance, 1e-300) / days))[:, 1:]
    return values


def days_of_equal_power(gains: Floats, alpha: float, power: float, *, correlation: float = 0.0) -> int:
    """The fewest days after which one look at a t-test has this power. Its error rate holds up to this correlation of
    days, because its standard error is that of a first-order autoregression."""
    widening = np.sqrt((1 + correlation) / (1 - correlation))
    limits = widening * stats.t.ppf(1 - alpha, np.maximum(np.arange(gains.shape[1]), 1))
    reached = np.flatnonzero((t_values(gains) > limits).mean(axis=0) >= power)
    return int(reached[0]) + 1 if reached.size else NEVER


RULES: dict[str, Rule] = {
    "e-process, daily": prove_better,
    "t-test, 14 days": look_once(14),
    "t-test, 30 days": look_once(30),
    "t-test, daily": look_daily,
}


def _first(passed: npt.NDArray[np.bool_]) -> Ints:
    return np.where(passed.any(axis=1), passed.argmax(axis=1) + 1, NEVER)
