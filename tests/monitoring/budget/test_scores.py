"""How unusual a day is: ranks, weekdays, correlation, tails."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from mlops_lab.monitoring.budget.scores import HISTORY_DAYS, MIN_DAYS, score_day

ZERO = np.zeros(())


def p_higher(past: np.ndarray, today: float, *, smallest: float = 0.0, known: np.ndarray | None = None) -> float:
    known = np.isfinite(past) if known is None else known
    higher, _ = score_day(past, known, np.asarray(today), smallest=np.asarray(smallest))
    return float(1 - ndtr(higher))


def draw(days: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=days)


def test_too_little_history_has_no_score():
    past = draw(MIN_DAYS)
    assert np.isnan(p_higher(past[1:], 0.0))
    assert np.isfinite(p_higher(past, 0.0))
    past[3] = np.nan
    assert np.isnan(p_higher(past, 0.0)), "a day that was not measured is no history"
    assert np.isnan(p_higher(draw(MIN_DAYS), np.nan))


def test_ranks_of_independent_days_are_uniform():
    days = np.random.default_rng(2).standard_t(3, size=(4_000, 61))
    higher, lower = score_day(days[:, :-1], np.ones((4_000, 60), bool), days[:, -1], smallest=np.zeros(4_000))
    for scores in (higher, lower):
        p = 1 - ndtr(scores)
        for level in (0.02, 0.1, 0.3, 0.6):
            assert (p <= level).mean() <= level + 3 * np.sqrt(level / 4_000), level


@given(st.integers(0, 10_000), st.floats(0.1, 1e6), st.floats(-1e6, 1e6))
def test_the_unit_of_a_monitor_does_not_matter(seed: int, scale: float, shift: float):
    past = draw(60, seed)
    plain, moved = p_higher(past, 1.3), p_higher(past * scale + shift, 1.3 * scale + shift)
    assert moved == pytest.approx(plain, abs=1 / 61 + 1e-9)  # rounding may swap two neighbours


def test_beyond_the_history_a_day_is_the_rarer_the_farther_it_lies():
    past = draw(60)
    once, twice, far = (p_higher(past, size * 10.0) for size in (1, 2, 100))
    assert once < 1 / 61
    assert twice == pytest.approx(once / 8, rel=0.2)
    assert far < 1e-6


def test_what_does_not_matter_is_not_unusual():
    past = np.zeros(60)
    assert p_higher(past, 0.01, smallest=0.02) >= 0.5
    assert p_higher(past, 0.5, smallest=0.02) < 1e-5


def test_an_effect_of_the_weekday_is_expected():
    week = np.array([5.0, 0, 0, 0, 0, 0, 0])
    past = np.tile(week, 13) + 0.1 * draw(HISTORY_DAYS)
    assert p_higher(past, 5.0) > 0.05, "as on the same weekday of other weeks"
    assert p_higher(np.roll(past, 1), 5.0) < 1e-3, "on any other weekday"


def test_a_day_that_follows_a_high_one_may_be_high():
    rng = np.random.default_rng(3)
    past = np.zeros(HISTORY_DAYS)
    for day in range(1, HISTORY_DAYS):
        past[day] = 0.6 * past[day - 1] + rng.normal()
    high, usual = past.copy(), past.copy()
    high[-1], usual[-1] = 3.0, 0.0
    assert p_higher(high, 2.5) > p_higher(usual, 2.5)


def test_lower_is_the_mirror_of_higher():
    past = draw(60)
    higher, _ = score_day(past, np.ones(60, bool), np.asarray(1.7), smallest=ZERO)
    _, lower = score_day(-past, np.ones(60, bool), np.asarray(-1.7), smallest=ZERO)
    assert lower == pytest.approx(higher)
