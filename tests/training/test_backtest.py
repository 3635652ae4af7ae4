"""Candidate against champion: what the test over days measures, and how often it is wrong."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from mlops_lab.monitoring.quality import log_loss
from mlops_lab.tasks.binary import Binary
from mlops_lab.training.backtest import BLOCKS, BlockTest, compare_blocks, equal_blocks, mean_by_block

SIMULATIONS = 6000
DAYS = 14
ROWS = 40
ALPHA = 0.05


def twins(rng: np.random.Generator, errors: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """Gains of (simulations, days, rows) in log loss of two models, by default of one quality.

    The rows of a day share a shock that neither model knows, as flights share their weather; and each model errs on
    the logit, in part for a whole day alike; `errors` scales what champion and candidate err.
    """
    shape = (SIMULATIONS, DAYS, ROWS)
    known, shock = rng.normal(-1.2, 1.0, shape), rng.normal(0, 1.0, (SIMULATIONS, DAYS, 1))
    truth = rng.random(shape) < 1 / (1 + np.exp(-known - shock))
    losses = []
    for scale in errors:
        error = scale * (rng.normal(0, 0.3, shape) + rng.normal(0, 0.4, (SIMULATIONS, DAYS, 1)))
        losses.append(np.logaddexp(0, np.where(truth, -1, 1) * (known + error)))
    return losses[0] - losses[1]


@pytest.fixture(scope="module")
def equals() -> np.ndarray:
    return twins(np.random.default_rng(2013))


def test_an_equal_candidate_is_rarely_found_better(equals):
    passed = np.mean([compare_blocks(gains).p_value < ALPHA for gains in equals.mean(axis=2)])
    assert 0.03 <= passed <= 0.06  # at most what is promised, and not by never finding anything


def test_rows_taken_for_independent_would_be_wrong_far_more_often(equals):
    """Why the day is the block: the same simulation, tested row by row, breaks the promise."""
    rows = equals.reshape(SIMULATIONS, -1)
    naive = stats.ttest_1samp(rows, 0.0, axis=1, alternative="greater").pvalue
    assert np.mean(naive < ALPHA) > 0.15


def test_a_better_candidate_is_found_most_of_the_time():
    gains = twins(np.random.default_rng(2014), errors=(3.0, 0.5)).mean(axis=2)
    assert np.mean([compare_blocks(sample).p_value < ALPHA for sample in gains[:1000]]) > 0.6


day_means = arrays(np.float64, st.integers(2, 40), elements=st.floats(-1, 1, allow_subnormal=False))


@given(day_means)
def test_the_p_value_is_that_of_scipy(gains):
    result = compare_blocks(gains)
    assert result.blocks == len(gains)
    assert result.gain == pytest.approx(gains.mean())
    assert 0 <= result.p_value <= 1
    if np.ptp(gains) > 1e-6:
        expected = stats.ttest_1samp(gains, 0.0, alternative="greater").pvalue
        assert result.p_value == pytest.approx(expected, abs=1e-9)


@given(day_means)
def test_only_one_of_two_models_can_be_the_better(gains):
    assert not (compare_blocks(gains).p_value < ALPHA and compare_blocks(-gains).p_value < ALPHA)


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ([], BlockTest(0.0, 1.0, 0)),
        ([0.5], BlockTest(0.5, 1.0, 1)),
        ([0.0] * 14, BlockTest(0.0, 1.0, 14)),
    ],
)
def test_nothing_is_proved_by_no_days_one_day_or_the_same_answers(gains, expected):
    assert compare_blocks(np.array(gains)) == expected


def test_a_day_without_a_number_proves_nothing():
    assert compare_blocks(np.array([0.5] * 13 + [math.nan])).p_value == 1.0


def test_a_known_case():
    result = compare_blocks(np.array([1.0, 2.0, 3.0]))  # mean 2, standard error 1/sqrt(3)
    assert result.p_value == pytest.approx(float(stats.t.sf(2 * math.sqrt(3), 2)))
    assert result.p_value == pytest.approx(0.0371, abs=1e-4)


probabilities = st.floats(0, 1)
answered = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 1), probabilities, probabilities), min_size=1, max_size=40
)


def columns(rows) -> tuple[pl.Series, ...]:
    day, truth, champion, candidate = zip(*rows, strict=True)
    days = pl.Series([date(2013, 3, 1) + timedelta(days=offset) for offset in day])
    return days, pl.Series(truth, dtype=pl.Int8), pl.Series(champion), pl.Series(candidate)


def gains_of(days, truth, champion, candidate) -> np.ndarray:
    return mean_by_block(days, Binary().losses(truth, champion) - Binary().losses(truth, candidate))


@given(answered)
def test_gains_are_differences_of_log_loss_day_by_day(rows):
    days, truth, champion, candidate = columns(rows)
    gains = gains_of(days, truth, champion, candidate)
    expected = [
        log_loss(truth.filter(days == day), champion.filter(days == day))
        - log_loss(truth.filter(days == day), candidate.filter(days == day))
        for day in days.unique().sort()
    ]
    assert gains == pytest.approx(expected, abs=1e-9, rel=1e-3)  # at 0 and 1 the two clip in a different rounding
    turned = gains_of(days, truth, candidate, champion)
    assert turned == pytest.approx(-gains, abs=1e-12)


@given(answered, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, random):
    days, truth, champion, candidate = columns(rows)
    gains = gains_of(days, truth, champion, candidate)
    random.shuffle(rows)
    days, truth, champion, candidate = columns(rows)
    assert gains_of(days, truth, champion, candidate) == pytest.approx(gains, abs=1e-12)


@given(st.integers(0, 500))
def test_stretches_hold_as_many_rows_each_in_order(rows):
    blocks_of_rows = equal_blocks(rows)
    assert len(blocks_of_rows) == rows
    assert blocks_of_rows.is_sorted()
    sizes = blocks_of_rows.value_counts()["count"]
    assert len(sizes) == min(rows, BLOCKS)
    assert not rows or sizes.max() - sizes.min() <= 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_a_day_of_few_rows_is_joined_to_its_neighbour(sizes):
    """The days have 20 rows and more, or at most 4; every row counts, and every whole day is one block."""
    sizes = [size + 20 if size % 2 else size % 5 for size in sizes]
    days = [day for day, size in enumerate(sizes) for _ in range(size)]
    gains = np.random.default_rng(len(days)).normal(size=len(days))
    whole = [size for size in sizes if size >= 20]
    if len(whole) * 2 <= sum(size > 0 for size in sizes):  # the median day is a small one
        return
    means = mean_by_block(pl.Series(days, dtype=pl.Int64), pl.Series(gains))
    assert len(means) == len(whole)
    firsts = [day for day, size in enumerate(sizes) if size >= 20]
    block = np.maximum(np.searchsorted(firsts, days, side="right") - 1, 0)
    assert means == pytest.approx([gains[block == number].mean() for number in range(len(whole))])


def test_the_first_minutes_of_a_day_do_not_hide_a_better_candidate():
    gains = np.concatenate([np.full(100, 0.02) + 0.001 * day for day in range(10)] + [[-3.0]])
    days = pl.Series([*np.repeat(np.arange(10), 100), 10], dtype=pl.Int64)
    assert compare_blocks(mean_by_block(days, pl.Series(gains))).p_value < ALPHA
