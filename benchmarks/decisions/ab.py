"""Simulated A/B tests: customers with levels of their own, days that shift everybody, a new look after every day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlops_lab.rollout.evidence.arms import Answers, follow_arm
from mlops_lab.rollout.evidence.several import split_alpha
from mlops_lab.rollout.evidence.shares import weigh_shares
from mlops_lab.status.ab_report import SHARES_ALPHA

DAYS, KEYS, REQUESTS_A_DAY = 28, 600, 200
HISTORY_DAYS = 28
NOISE, DAY_SPREAD = 2.0, 0.5
"""Standard deviations of a request and of a day, in those of the customers' levels."""


@dataclass(frozen=True)
class ABTest:
    """A kind of test: what the answers of each arm are worth more than the control's, how much that differs from day to
    day, the correlation of these days, and the share of the arms' worst customers whose requests are lost."""

    effects: tuple[float, ...] = (0.0,)
    day_effect: float = 0.0
    correlation: float = 0.0
    lost: float = 0.0


@dataclass(frozen=True)
class Verdicts:
    """Shares of the tests: with a verdict on some arm, the same if nobody checked the shares, and with wrong shares;
    the median day of the first verdict among those with one."""

    found: float
    unchecked: float
    wrong_shares: float
    median_days: float


def draw_test(rng: np.random.Generator, kind: ABTest) -> Answers:
    """The answers of one test; each group is given the same share of the customers."""
    level = rng.normal(size=KEYS)
    group = rng.integers(0, len(kind.effects) + 1, KEYS)
    is_lost = (group > 0) & (level < np.quantile(level, kind.lost))
    days = np.repeat(np.arange(DAYS), REQUESTS_A_DAY)
    keys = rng.integers(0, KEYS, len(days))
    shifts = [np.zeros(DAYS), *(_correlated(rng, kind.correlation) * kind.day_effect + gain for gain in kind.effects)]
    shared = DAY_SPREAD * rng.normal(size=DAYS)
    values = level[keys] + shared[days] + np.array(shifts)[group[keys], days] + NOISE * rng.normal(size=len(days))
    before = rng.poisson(HISTORY_DAYS * REQUESTS_A_DAY / KEYS, KEYS)
    history = level + NOISE * rng.normal(size=KEYS) / np.sqrt(np.maximum(before, 1))
    history[before == 0] = np.nan
    kept = ~is_lost[keys]
    return Answers(days[kept], keys[kept], group[keys[kept]], values[kept], history[keys[kept]])


def judge_tests(name: str, kind: ABTest, runs: int, *, alpha: float, use_history: bool = True) -> Verdicts:
    """What becomes of such tests, looked at after every day; the same tests for the same name."""
    rng = np.random.default_rng(list(name.encode()))
    first, unchecked, wrong = [], 0, 0
    for _ in range(runs):
        answers = draw_test(rng, kind)
        level = split_alpha(alpha, len(kind.effects))
        values = answers.adjusted() if use_history else answers.values
        found = np.zeros(DAYS, dtype=bool)
        for arm in range(1, len(kind.effects) + 1):
            looks = follow_arm(answers, values, arm, alpha=level, expected_effect=answers.usual_effect())
            found[looks.days] |= (looks.lower > 0) | (looks.upper < 0)
        is_wrong = _shares_are_wrong(answers, len(kind.effects) + 1)
        unchecked += found.any()
        wrong += is_wrong.any()
        verdict = found & ~is_wrong
        if verdict.any():
            first.append(int(verdict.argmax()) + 1)
    return Verdicts(
        len(first) / runs,
        float(unchecked / runs),
        float(wrong / runs),
        float(np.median(first)) if first else float("nan"),
    )


def _shares_are_wrong(answers: Answers, groups: int) -> np.ndarray:
    """By day, whether the shares of the customers that were seen until then are found to be wrong."""
    _, first = np.unique(answers.keys, return_index=True)
    seen = np.zeros((DAYS, groups))
    np.add.at(seen, (answers.days[first], answers.groups[first]), 1)
    return np.asarray(weigh_shares(np.cumsum(seen, axis=0), np.ones(groups)) >= -np.log(SHARES_ALPHA))


def _correlated(rng: np.random.Generator, correlation: float) -> np.ndarray:
    days = rng.normal(size=DAYS)
    for day in range(1, DAYS):
        days[day] = correlation * days[day - 1] + np.sqrt(1 - correlation**2) * days[day]
    return days
