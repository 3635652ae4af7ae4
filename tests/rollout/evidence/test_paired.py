"""The e-process and its confidence sequence: what must hold for any gains, and error rates by simulation."""

from __future__ import annotations

from itertools import pairwise, product
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from slow import examples

from mlops_lab.rollout.evidence.bets import Floats
from mlops_lab.rollout.evidence.paired import bound_mean, weigh_gains

GAINS = arrays(np.float64, st.integers(1, 20), elements=st.integers(-50, 50).map(float))
ROWS = 4_000


@given(GAINS)
def test_block_by_block_gives_the_same_as_at_once(gains: Floats) -> None:
    at_once = weigh_gains(gains, alpha=0.05)
    for blocks in range(1, len(gains) + 1):
        until = weigh_gains(gains[:blocks], alpha=0.05)
        assert until.log_e[-1] == at_once.log_e[blocks - 1]
        assert until.mean[-1] == at_once.mean[blocks - 1]
        assert until.is_proved[-1] == at_once.is_proved[blocks - 1]


@given(GAINS)
def test_many_runs_at_once_give_the_same_as_one(gains: Floats) -> None:
    together = weigh_gains(np.stack([gains, -gains]), alpha=0.05).log_e
    assert together[0] == pytest.approx(weigh_gains(gains, alpha=0.05).log_e)
    assert together[1] == pytest.approx(weigh_gains(-gains, alpha=0.05).log_e)


@given(GAINS, st.integers(-20, 20), st.integers(0, 20))
def test_evidence_grows_with_the_margin(gains: Floats, margin: int, more: int) -> None:
    less = weigh_gains(gains, alpha=0.05, margin=margin)
    assert np.all(weigh_gains(gains, alpha=0.05, margin=margin + more).log_e >= less.log_e - 1e-9)


@given(GAINS, st.integers(-20, 20))
def test_margin_is_a_shift_of_the_gains(gains: Floats, margin: int) -> None:
    shifted = weigh_gains(gains + margin, alpha=0.05).log_e
    assert weigh_gains(gains, alpha=0.05, margin=margin).log_e == pytest.approx(shifted, abs=1e-6)


@given(GAINS)
def test_unit_does_not_matter(gains: Floats) -> None:
    assert weigh_gains(0.001 * gains, alpha=0.05).log_e == pytest.approx(weigh_gains(gains, alpha=0.05).log_e, abs=1e-6)


@examples(20)
@given(st.integers(0, 1_000), st.floats(-1, 1), st.booleans())
def test_bound_inverts_the_test(seed: int, margin: float, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    gains = rng.normal(0.5, 1, 30)
    rows = rng.integers(1, 100, 30).astype(float) if weighted else None
    lower, upper = bound_mean(gains, alpha=0.05, rows=rows)
    assert np.array_equal(lower > -margin, weigh_gains(gains, alpha=0.05, margin=margin, rows=rows).is_proved)
    worse = weigh_gains(-gains, alpha=0.05, margin=-margin, rows=rows)
    assert np.array_equal(upper < -margin, worse.is_proved)
    assert np.all(np.diff(lower[np.isfinite(lower)]) >= 0)


def test_bounds_move_with_the_gains_and_scale() -> None:
    gains = np.random.default_rng(0).normal(0, 1, 40)
    lower, upper = bound_mean(gains, alpha=0.05)
    moved_lower, moved_upper = bound_mean(0.1 * gains + 7, alpha=0.05)
    assert moved_lower == pytest.approx(0.1 * lower + 7)
    assert moved_upper == pytest.approx(0.1 * upper + 7)
    assert lower[0] == -np.inf
    assert lower[-1] < gains.mean() < upper[-1]


def test_no_gain_is_expected_from_symmetric_blocks() -> None:
    """All 2 ** 9 signs of some sizes: the mean capital is never above 1, and little below, although the correlation is
    only estimated."""
    sizes = np.array([1, 2, 0.5, 1, 3, 1, 0.1, 2, 1])
    signs = np.array(list(product([-1, 1], repeat=len(sizes))))
    capital = np.exp(weigh_gains(signs * sizes, alpha=0.05).log_e).mean(axis=0)
    assert np.all(capital <= 1 + 1e-9)
    assert np.all(capital > 0.9)


def test_capital_by_hand() -> None:
    """Written a second time, block by block."""
    gains = np.array([0.5, -0.2, 0.9, 0.4, 1.1, 0.3])
    capital = {0.15: 0.5, 0.3: 0.5}
    for block in range(3, 6):
        past = list(gains[:block])  # no outliers among them
        mean = sum(past) / block
        variance = sum((gain - mean) ** 2 for gain in past) / block
        products = sum((a - mean) * (b - mean) for a, b in pairwise(past))
        correlation = min(max((products / variance + 1 + 2) / (block - 1 + 5), 0), 0.6)
        spread = (variance * (block + 2) / (block - 1)) ** 0.5
        surprise = (gains[block] - correlation * past[-1]) / spread
        capital = {fraction: amount * (1 + fraction * surprise) for fraction, amount in capital.items()}
    assert exp(weigh_gains(gains, alpha=0.05).log_e[-1]) == pytest.approx(sum(capital.values()))


@pytest.mark.parametrize("correlation", [0.0, 0.4])
@pytest.mark.parametrize("heavy", [False, True])
def test_false_promotions_are_rare(correlation: float, heavy: bool) -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_t(3, size=(ROWS, 80)) if heavy else rng.normal(size=(ROWS, 80))
    for day in range(1, 80):
        noise[:, day] += correlation * noise[:, day - 1]
    evidence = weigh_gains(noise[:, 20:], alpha=0.05)
    assert evidence.is_proved[:, -1].mean() <= 0.05
    assert (evidence.log_e.max(axis=1) >= log(100)).mean() <= 0.01


def test_gains_are_found() -> None:
    gains = np.random.default_rng(2).normal(0.75, 1, size=(1_000, 60))
    proved = weigh_gains(gains, alpha=0.05).is_proved
    assert proved[:, -1].mean() > 0.95
    assert np.median(proved.argmax(axis=1)) < 32
    assert not weigh_gains(-gains, alpha=0.05).is_proved.any()


def test_margin_finds_what_is_as_good() -> None:
    gains = np.random.default_rng(3).normal(0, 1, size=(500, 60))
    assert weigh_gains(gains, alpha=0.05, margin=1).is_proved[:, -1].mean() > 0.98


def test_steady_small_gains_do_not_hide_a_huge_loss() -> None:
    gains = np.array([0.3, 0.2, 0.3, 0.4, -100, *[0.3, 0.2, 0.4] * 10])
    evidence = weigh_gains(gains, alpha=0.05)
    assert evidence.log_e[-1] > -log(0.05)
    assert not evidence.is_proved.any()
    assert bound_mean(gains, alpha=0.05)[0][-1] < 0
