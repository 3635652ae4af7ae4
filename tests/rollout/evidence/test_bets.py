"""Forecasts of a block use the blocks before it alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlops_lab.rollout.evidence.bets import CLIP, LARGEST_CORRELATION, WARM_UP_BLOCKS, Floats, forecast

GAINS = arrays(np.float64, st.integers(1, 25), elements=st.floats(-10, 10, allow_subnormal=False))
GRID = arrays(np.float64, st.integers(4, 25), elements=st.integers(-100, 100).map(float))


@given(GAINS, st.data())
def test_forecasts_are_predictable(gains: Floats, data: st.DataObject) -> None:
    block = data.draw(st.integers(0, len(gains) - 1))
    changed = gains.copy()
    changed[block:] = data.draw(arrays(np.float64, len(gains) - block, elements=st.floats(-100, 100)))
    before, after = forecast(gains), forecast(changed)
    for name in ("spread", "correlation", "before", "weight"):
        assert np.array_equal(getattr(before, name)[: block + 1], getattr(after, name)[: block + 1])


@given(GRID, st.integers(-100, 100), st.sampled_from([0.25, 0.5, 2.0, 1024.0]))
def test_surprises_have_neither_unit_nor_origin(gains: Floats, shift: int, scale: float) -> None:
    moved = scale * (gains + shift)
    surprises = forecast(gains).surprises(gains, 0.0)
    assert forecast(moved).surprises(moved, scale * shift) == pytest.approx(surprises, abs=1e-6)


@given(GAINS)
def test_surprises_are_bounded(gains: Floats) -> None:
    forecasts = forecast(gains)
    surprises = forecasts.surprises(gains, 0.0)
    assert np.all(np.abs(surprises) <= CLIP)
    assert np.all(surprises[:WARM_UP_BLOCKS] == 0)
    assert np.all((forecasts.correlation >= 0) & (forecasts.correlation <= LARGEST_CORRELATION))


def test_forecast_by_hand() -> None:
    gains = np.array([1.0, 3.0, 2.0, 4.0])
    forecasts = forecast(gains)
    assert forecasts.spread[3] == pytest.approx(np.sqrt(2 / 3 * 5 / 2))
    assert forecasts.correlation[3] == pytest.approx((-1 * 1 + 1 * 0) / (2 / 3) / 7 + (1 + 5 * 0.4) / 7)
    assert forecasts.before[3] == 2.0
    assert forecasts.surprises(gains, 1.0)[3] == pytest.approx((3 - forecasts.correlation[3] * 1) / forecasts.spread[3])


def test_outlier_is_cut_off_before_it_teaches() -> None:
    calm = np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1])
    wild = np.append(calm, [1e9, 0.0])
    assert forecast(wild).spread[-1] < 1


def test_small_blocks_weigh_less() -> None:
    rows = np.array([100.0, 100.0, 10.0, 1_000.0])
    assert forecast(np.zeros(4), rows).weight == pytest.approx([1, 1, 0.1, 1])


def test_correlated_gains_are_found_to_be_so() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=400)
    correlated = np.convolve(noise, 0.5 ** np.arange(20))[:400]
    assert forecast(noise).correlation[-1] < 0.2
    assert forecast(correlated).correlation[-1] > 0.4


@pytest.mark.parametrize("gain", [0.0, 0.003, 0.3])
def test_equal_gains_are_no_evidence_and_do_not_blind(gain: float) -> None:
    gains = np.append(np.full(10, gain), [2.0, 3.0])
    surprises = forecast(gains).surprises(gains, 0.0)
    assert not surprises[:11].any()  # the spread is not known yet
    assert surprises[11] > 0
