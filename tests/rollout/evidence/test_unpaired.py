"""Bounds of the difference of two arms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from mlops_lab.rollout.evidence.paired import bound_mean
from mlops_lab.rollout.evidence.unpaired import arm_differences, bound_effect, compare_keys, weigh_effect


def test_differences_of_blocks_with_rows_in_both_arms() -> None:
    control, arm = np.array([1.0, np.nan, 3.0]), np.array([2.0, 5.0, 2.5])
    differences, rows = arm_differences(control, np.array([100, 0, 300]), arm, np.array([100, 50, 100]))
    assert differences == pytest.approx([1.0, -0.5])
    assert rows == pytest.approx([100, 150])


def test_effect_of_days_is_bounded() -> None:
    """Days shift both arms; the arms differ by 0.2."""
    rng = np.random.default_rng(0)
    misses = found = 0
    for _ in range(100):
        days, rows = rng.normal(0, 5, 40), rng.integers(200, 400, 40).astype(float)
        control = days + rng.normal(0, 1, 40) / np.sqrt(rows)
        arm = days + 0.2 + rng.normal(0, 1, 40) / np.sqrt(rows / 9)
        lower, upper = bound_mean(arm_differences(control, rows, arm, rows / 9)[0], alpha=0.025)
        misses += bool((lower > 0.2).any() or (upper < 0.2).any())
        found += bool(lower[-1] > 0)
    assert misses <= 5
    assert found >= 95


def test_bound_is_where_the_mixture_reaches_one_over_alpha() -> None:
    """The mixture integrated numerically: likelihood ratio of N(effect, se) against N(bound, se), effect ~ N(bound, prior)."""
    lower, _ = bound_effect(0.7, 0.2, alpha=0.05, expected_effect=0.5)

    def weighted(effect: float) -> float:
        return float(
            stats.norm.pdf(effect, lower, 0.5) * stats.norm.pdf(0.7, effect, 0.2) / stats.norm.pdf(0.7, lower, 0.2)
        )

    assert integrate.quad(weighted, -5, 5, points=[0.7])[0] == pytest.approx(1 / 0.05)


def test_evidence_is_one_over_alpha_where_a_bound_is_0() -> None:
    lower, _ = bound_effect(0.0, 0.2, alpha=0.05, expected_effect=0.5)
    assert weigh_effect(-lower, 0.2, expected_effect=0.5) == pytest.approx(np.log(20))
    assert weigh_effect(0.0, 0.2, expected_effect=0.5) < 0


def test_sticky_keys_miss_rarely_at_many_looks() -> None:
    """Each key has a level of its own that no number of days averages out; a look a day."""
    rng = np.random.default_rng(1)
    misses = 0
    for _ in range(200):
        level = rng.normal(0, 1, (2, 100))
        outcomes = level[..., np.newaxis] + rng.normal(0, 1, (2, 100, 30))
        means = np.cumsum(outcomes, axis=-1) / np.arange(1, 31)
        looks = [compare_keys(means[0, :, day], means[1, :, day]) for day in range(30)]
        lower, upper = bound_effect(*np.array(looks).T, alpha=0.05, expected_effect=0.3)
        misses += bool((lower > 0).any() or (upper < 0).any())
    assert misses <= 10


def test_compare_keys_is_welch() -> None:
    rng = np.random.default_rng(2)
    control, arm = rng.normal(0, 1, 50), rng.normal(0.3, 2, 80)
    difference, error = compare_keys(control, arm)
    assert difference / error == pytest.approx(stats.ttest_ind(arm, control, equal_var=False).statistic)
