"""An arm of an A/B test beside the control, after each day: the gain, its bounds, and the evidence.

Two sources of chance, days and keys (see `unpaired`), each with its own always-valid bounds. Shown are bounds that
contain both, and the smaller e-value. They hold if either one does: an arm is found to be better only where neither the
days nor the keys that it happened to get explain the difference.

**Per request.** The gain is the difference of the means over requests. With sticky keys the requests of a key depend on
each other, so a mean's standard error is that of a ratio of sums over keys: total value / number of requests (the delta
method; Deng, Knoblich and Lu 2018, section 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlops_lab.rollout.evidence.bets import Floats
from mlops_lab.rollout.evidence.covariates import adjust_for_history
from mlops_lab.rollout.evidence.paired import bound_mean, weigh_gains
from mlops_lab.rollout.evidence.unpaired import arm_differences, bound_effect, compare_keys, weigh_effect

Ints = npt.NDArray[np.int64]
CONTROL = 0
MIN_KEYS = 30
"""Fewer keys in an arm prove nothing: the bound over keys is asymptotic."""
USUAL_EFFECT = 0.1
"""The gain to be found soonest where none is declared, in standard deviations of the values."""


@dataclass(frozen=True)
class Answers:
    """The answers with a value, of all groups, in the order of days; arrays of one length.

    `days` and `keys` are numbered from 0; `groups`: 0 is the control, then the arms; a key is in one group. `history`:
    what the key's answers were worth before the test, NaN where that is not known.
    """

    days: Ints
    keys: Ints
    groups: Ints
    values: Floats
    history: Floats

    def adjusted(self) -> Floats:
        """The values without what the history of their keys explains (CUPED)."""
        return adjust_for_history(self.values, self.history)

    def usual_effect(self) -> float:
        """The gain to be found soonest, where nobody says another one."""
        return USUAL_EFFECT * (float(np.std(self.values)) if self.values.size else 0.0)


@dataclass(frozen=True)
class ArmLooks:
    """What is known after each day on which both the arm and the control have answers: arrays (days).

    `daily` is the difference of the day, `rows` the answers of the arm until then, `gain` the difference until then;
    `lower` and `upper` hold at all looks together with probability 1 - alpha (infinite: not known yet), and `log_e` is
    the logarithm of the e-value against "there is no difference".
    """

    days: Ints
    daily: Floats
    rows: Ints
    gain: Floats
    lower: Floats
    upper: Floats
    log_e: Floats


def follow_arm(answers: Answers, values: Floats, arm: int, *, alpha: float, expected_effect: float) -> ArmLooks:
    """The looks at an arm after each day; `values` are those of the answers, or the adjusted ones."""
    days = int(answers.days.max(initial=-1)) + 1
    rows, sums = (_by_day(answers, weights, (CONTROL, arm), days) for weights in (None, values))
    means = np.divide(sums, rows, out=np.zeros_like(sums), where=rows > 0)
    daily, weights = arm_differences(means[0], rows[0], means[1], rows[1])
    looks = np.flatnonzero((rows > 0).all(axis=0))
    totals = np.cumsum(sums, axis=1)[:, looks] / np.cumsum(rows, axis=1)[:, looks]
    lower, upper = bound_mean(daily, alpha=alpha / 2, rows=weights)
    up, down = (weigh_gains(sign * daily, alpha=alpha, rows=weights).log_e for sign in (1, -1))
    lower_of_keys, upper_of_keys, log_e_of_keys = _look_at_keys(
        answers, values, arm, looks, alpha=alpha, expected_effect=expected_effect
    )
    return ArmLooks(
        days=looks,
        daily=daily,
        rows=np.cumsum(rows[1]).astype(np.int64)[looks],
        gain=totals[1] - totals[0],
        lower=np.minimum(lower, lower_of_keys),
        upper=np.maximum(upper, upper_of_keys),
        log_e=np.minimum(np.logaddexp(up, down) - np.log(2), log_e_of_keys),
    )


def standard_error(answers: Answers, values: Floats, arm: int) -> float:
    """The standard error over keys of the arm's gain in these values; infinite while too few keys were seen."""
    totals = _KeyTotals(answers)
    totals.add(answers.keys, values)
    return totals.compare(arm)[1]


class _KeyTotals:
    """By key, the number of its requests so far and their total value."""

    def __init__(self, answers: Answers) -> None:
        size = int(answers.keys.max(initial=-1)) + 1
        self._groups = np.zeros(size, dtype=np.int64)
        self._groups[answers.keys] = answers.groups
        self._rows, self._sums = np.zeros(size), np.zeros(size)

    def add(self, keys: Ints, values: Floats) -> None:
        """Count more requests."""
        self._rows += np.bincount(keys, minlength=len(self._rows))
        self._sums += np.bincount(keys, weights=values, minlength=len(self._rows))

    def compare(self, arm: int) -> tuple[float, float]:
        """The gain of a request in the arm, and its standard error, infinite while too few keys were seen."""
        control, treated = (self._linear(group) for group in (CONTROL, arm))
        if min(len(control), len(treated)) < MIN_KEYS:
            return 0.0, float("inf")
        return compare_keys(control, treated)

    def _linear(self, group: int) -> Floats:
        """One number for each key of a group that was seen: their mean is the value of a request, and their variance
        divided by their number that of this mean."""
        seen = (self._groups == group) & (self._rows > 0)
        rows, sums = self._rows[seen], self._sums[seen]
        mean = sums.sum() / max(rows.sum(), 1.0)
        return np.asarray(mean + (sums - mean * rows) * (len(rows) / max(rows.sum(), 1.0)))


def _by_day(answers: Answers, weights: Floats | None, groups: tuple[int, int], days: int) -> Floats:
    """The number of answers (or the sum of their weights) by group and day."""
    picked = [answers.groups == group for group in groups]
    return np.stack(
        [
            np.bincount(answers.days[of], None if weights is None else weights[of], minlength=days).astype(np.float64)
            for of in picked
        ]
    )


def _look_at_keys(
    answers: Answers, values: Floats, arm: int, looks: Ints, *, alpha: float, expected_effect: float
) -> tuple[Floats, Floats, Floats]:
    """Lower and upper bound over keys, and the logarithm of the e-value, after each of the days `looks`."""
    totals = _KeyTotals(answers)
    lower, upper, log_e = np.full(len(looks), -np.inf), np.full(len(looks), np.inf), np.zeros(len(looks))
    ends = np.searchsorted(answers.days, looks, side="right")
    begins = np.concatenate([[0], ends])[:-1]
    for look, (first, last) in enumerate(zip(begins, ends, strict=True)):
        totals.add(answers.keys[first:last], values[first:last])
        gain, error = totals.compare(arm)
        if 0 < error < np.inf:
            lower[look], upper[look] = bound_effect(gain, error, alpha=alpha, expected_effect=expected_effect)
            log_e[look] = weigh_effect(gain, error, expected_effect=expected_effect)
    return lower, upper, log_e
