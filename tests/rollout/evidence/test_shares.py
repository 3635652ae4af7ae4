"""Sample-ratio mismatch at every look."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from scipy import stats

from mlops_lab.rollout.evidence.shares import CONCENTRATION, weigh_shares


def test_equals_the_ratio_of_two_distributions_of_scipy() -> None:
    counts, shares = np.array([30, 50, 20]), np.array([0.25, 0.5, 0.25])
    mixture = stats.dirichlet_multinomial(CONCENTRATION * shares, 100).logpmf(counts)
    assert weigh_shares(counts, shares) == pytest.approx(mixture - stats.multinomial(100, shares).logpmf(counts))


def test_expectation_is_one_if_the_shares_are_right() -> None:
    counts = np.stack([np.arange(41), 40 - np.arange(41)], axis=1)
    chances = stats.binom(40, 0.1).pmf(np.arange(41))
    assert chances @ np.exp(weigh_shares(counts, np.array([0.1, 0.9]))) == pytest.approx(1)


def test_false_alarms_are_rare_and_mismatch_is_found() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([0.9, 0.1])

    def alarms(true_share: float) -> float:
        second = np.cumsum(rng.random((300, 2_000)) < true_share, axis=1)
        counts = np.stack([np.arange(1, 2_001) - second, second], axis=-1)
        return float((weigh_shares(counts, shares).max(axis=1) >= -log(0.05)).mean())

    assert alarms(0.1) <= 0.05
    assert alarms(0.16) > 0.95


def test_nothing_seen_is_no_evidence() -> None:
    assert weigh_shares(np.zeros(3), np.array([1.0, 1.0, 2.0])) == pytest.approx(0)
