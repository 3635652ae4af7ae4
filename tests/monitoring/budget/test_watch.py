"""One budget for all monitors: false alarms, changes that are found, what happens after an alarm."""

import numpy as np
import pytest

from mlops_lab.monitoring.budget.scores import MIN_DAYS
from mlops_lab.monitoring.budget.watch import Watched, Watcher

QUIET = 100
"""Days without a change."""


def watch_all(values: np.ndarray, **options) -> Watched:
    return make_watcher(values.shape[-2], **options).watch(values)


def make_watcher(monitors: int, **options) -> Watcher:
    both = {"higher": np.ones(monitors, bool), "lower": np.ones(monitors, bool), "smallest": np.zeros(monitors)}
    return Watcher(**(both | options))


def draw(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def correlated(*shape: int, correlation: float) -> np.ndarray:
    days = draw(*shape)
    for day in range(1, shape[-1]):
        days[..., day] = correlation * days[..., day - 1] + np.sqrt(1 - correlation**2) * days[..., day]
    return days


@pytest.mark.parametrize(
    "values",
    [
        draw(40, 5, 118),
        correlated(40, 5, 118, correlation=0.4),
        np.repeat(draw(40, 1, 118), 5, axis=1),
        np.random.default_rng(1).standard_t(3, size=(40, 5, 118)),
        np.repeat(draw(40, 5, 17), 7, axis=-1)[..., :118] + draw(40, 5, 118, seed=2),
    ],
    ids=["independent", "correlated days", "monitors that say the same", "heavy tails", "levels of weeks"],
)
def test_false_alarms_stay_within_the_budget(values: np.ndarray):
    watched = watch_all(values, budget_days=90.0)
    assert watched.alarm.sum() <= values.shape[0] * (118 - MIN_DAYS) / 90


def test_before_there_is_enough_history_nothing_is_told():
    values = draw(3, 40)
    values[:, 20:] += 50
    watched = watch_all(values)
    assert not watched.alarm[: MIN_DAYS + 1].any()
    assert watched.days[:, 10].tolist() == [10, 10, 10]


@pytest.mark.parametrize(("size", "within_days"), [(1.5, 45), (4.0, 10), (100.0, 2)])
def test_a_change_is_found_and_its_monitor_and_day_are_named(size: float, within_days: int):
    values = draw(5, 2 * QUIET)
    values[2, QUIET:] += size
    watched = watch_all(values)
    first = int(np.argmax(watched.alarm))
    assert QUIET <= first < QUIET + within_days
    assert np.flatnonzero(watched.brought[:, first]).tolist() == [2]
    assert abs(int(watched.began[2, first]) - QUIET) <= 7


def test_only_the_side_that_matters_is_told():
    values = draw(2, 2 * QUIET)
    values[0, QUIET:] -= 10
    no, yes = np.zeros(2, bool), np.ones(2, bool)
    assert not watch_all(values, lower=no).alarm[QUIET:].any()
    assert watch_all(values, higher=no, lower=yes).alarm[QUIET:].any()


def test_a_change_that_does_not_matter_is_not_told():
    values = draw(1, 2 * QUIET)
    values[0, QUIET:] += 4
    assert watch_all(values).alarm.any()
    assert not watch_all(values, smallest=np.array([20.0])).alarm.any()


def test_a_change_that_lasts_is_told_once_and_then_is_usual():
    values = draw(3, 260)
    values[1, QUIET:] += 10
    watched = watch_all(values)
    assert watched.alarm.sum() == 1
    assert watched.days[1, -1] >= MIN_DAYS, "the new level is history"
    values[1, 200:] += 10
    assert watch_all(values).alarm[200:215].any(), "the next change is told again"


def test_a_change_that_is_over_is_told_again_when_it_comes_back():
    values = draw(3, 200)
    values[1, QUIET : QUIET + 10] += 10
    values[1, 150:160] += 10
    watched = watch_all(values)
    told = np.flatnonzero(watched.alarm)
    assert len(told) == 2
    assert QUIET <= told[0] < 110
    assert 150 <= told[1] < 160
    assert watched.days[1, 130] > 60, "the days before and after are history again"


def test_later_days_change_nothing_about_earlier_ones():
    values = draw(4, 150)
    values[0, QUIET:] += 5
    whole, part = watch_all(values), watch_all(values[:, :120])
    assert np.array_equal(whole.alarm[:120], part.alarm)
    assert np.array_equal(whole.wealth[:120], part.wealth)


def test_day_after_day_is_the_same_as_all_days_at_once():
    values = draw(4, 150)
    values[0, QUIET:] += 5
    values[1, ::11] = np.nan
    watcher = make_watcher(4)
    for days in (1, 60, 103, 104, 104, 150):
        found = watcher.watch(values[:, :days])
    whole = watch_all(values)
    assert whole.alarm.any()
    for name, expected in vars(whole).items():
        assert np.array_equal(getattr(found, name), expected), name


def test_where_earlier_days_have_changed_all_are_looked_at_again():
    values = draw(2, 150)
    watcher = make_watcher(2)
    watcher.watch(values[:, :140])
    values[0, 20:] *= 2
    assert np.array_equal(watcher.watch(values).wealth, watch_all(values).wealth)
    assert np.array_equal(watcher.watch(values[:, :90]).wealth, watch_all(values[:, :90]).wealth)


def test_what_is_not_right_from_the_first_day_on_is_told_once():
    values = draw(2, 220) + 1.5
    assert not watch_all(values, lower=np.zeros(2, bool)).alarm[: MIN_DAYS + 40].any()
    watched = watch_all(values, lower=np.zeros(2, bool), targets=np.array([0.0, np.nan]))
    told = np.flatnonzero(watched.alarm)
    assert MIN_DAYS <= told[0] < MIN_DAYS + 20
    assert np.flatnonzero(watched.brought[:, told[0]]).tolist() == [0]
    assert len(told) <= 2, "once told and lasting, it is usual"


def test_days_that_were_not_measured_are_left_out():
    values = draw(2, 2 * QUIET)
    values[:, ::9] = np.nan
    values[1, QUIET:] += 6
    watched = watch_all(values)
    assert watched.alarm[QUIET : QUIET + 14].any()


def test_weights_share_the_bet():
    values = draw(20, 130)
    values[0, QUIET:] += 3
    first = [
        int(np.argmax(watch_all(values, weights=weights).alarm))
        for weights in (np.ones(20), np.array([100.0] + [1.0] * 19))
    ]
    assert QUIET <= first[1] <= first[0]


EVIDENCE = np.array([False, True])


def test_evidence_alarms_without_history_as_soon_as_it_is_worth_the_budget():
    values = np.vstack([draw(8), [0.0, 1.0, 3.0, 5.0, 5.2, 6.0, 7.0, 8.0]])
    watched = watch_all(values, are_evidence=EVIDENCE, higher=np.ones(2, bool), lower=~EVIDENCE, budget_days=90.0)
    assert np.flatnonzero(watched.alarm).tolist() == [4], "half of e^5.2 is more than 90, and that of e^5 less"
    assert watched.brought[:, 4].tolist() == [False, True]
    assert watched.began[1, 4] == 1
    assert watched.is_open[1, 4:].all(), "it is not told again"


def test_evidence_is_usual_again_when_what_it_was_about_is_over():
    log_e = np.array([8.0, 8.0, *[np.nan] * 4, 8.0])
    watched = watch_all(
        np.vstack([draw(7), log_e]), are_evidence=EVIDENCE, higher=np.ones(2, bool), lower=~EVIDENCE, budget_days=90.0
    )
    assert np.flatnonzero(watched.alarm).tolist() == [0, 6]
    assert watched.is_open[1].tolist() == [True] * 4 + [False, False, True]


def test_evidence_of_fair_dice_stays_within_the_budget():
    """The likelihood ratio of a coin that is fair."""
    heads = np.random.default_rng(4).random((1000, 1, 60)) < 0.5
    log_e = np.cumsum(np.log(np.where(heads, 1.4, 0.6)), axis=-1)
    values = np.concatenate([draw(1000, 1, 60), log_e], axis=1)
    watched = watch_all(values, are_evidence=EVIDENCE, higher=np.ones(2, bool), lower=~EVIDENCE, budget_days=90.0)
    assert watched.brought[:, 1].any(axis=-1).mean() <= 2 / 90
    assert watched.brought[:, 1].any(), "and now and then there is one"


def test_the_first_day_of_a_change_does_not_hide_the_next_ones() -> None:
    """A share of nulls of 15 % becomes 100 %, among 30 monitors: the day before is then no longer what is usual."""
    generator = np.random.default_rng(1)
    values = generator.normal(size=(20, 30, 75))
    values[:, 0] = np.clip(0.15 + 0.06 * generator.normal(size=(20, 75)), 0, 1)
    values[:, 0, 60:] = 1.0
    up, none = np.ones(30, dtype=bool), np.zeros(30, dtype=bool)
    found = Watcher(higher=up, lower=none, smallest=np.zeros(30), budget_days=36.0).watch(values)
    assert found.brought[:, 0, 60:62].any(axis=-1).mean() > 0.7


def test_a_suspicion_ends_with_a_usual_day_and_with_a_new_level() -> None:
    values = draw(3, 260)
    values[1, QUIET] += 40
    values[1, 150:] += 40
    watched = watch_all(values, weights=np.array([1.0, 1e-6, 1.0]), higher=np.ones(3, bool))
    assert watched.days[1, QUIET + 1 : QUIET + 4].min() < watched.days[1, QUIET + 10], "the day counts again later"
    assert watched.days[1, 150 + MIN_DAYS + 30] >= MIN_DAYS, "the new level is history"
    assert not watched.is_open[1, -1]
