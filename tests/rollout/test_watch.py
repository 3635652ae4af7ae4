"""The watch after a promotion: a wrong one takes itself back, a right one stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import msgspec
import numpy as np
import pytest

from mlops_lab.clock import day_start, days_after
from mlops_lab.rollout.decisions import DecisionKind, Watch
from mlops_lab.rollout.proof import NO_DAYS, DailyGains
from mlops_lab.rollout.watch import end_of_watch, watch_until
from mlops_lab.tasks.binary import Binary

ZONE = "America/New_York"
BEGAN = day_start(date(2013, 3, 9), ZONE)
WATCH = Watch(1, BEGAN, 28)


def with_rollout(tiny, **changes: object):
    rollout = msgspec.structs.replace(tiny.project.settings.rollout, **changes)
    return replace(tiny.project, settings=msgspec.structs.replace(tiny.project.settings, rollout=rollout))


def gains(mean: float, days: int, *, seed: int = 1) -> DailyGains:
    return DailyGains(np.random.default_rng(seed).normal(mean, 0.01, days), np.full(days, 100.0))


def step_after(project, days: int, mean: float):
    now = days_after(BEGAN, days, ZONE)
    return end_of_watch(project, WATCH, now, task=Binary(), daily=gains(mean, days) if days else NO_DAYS)


def test_a_wrong_promotion_takes_itself_back_before_the_watch_is_over(tiny):
    steps = [step_after(tiny.project, days, 0.02) for days in range(28)]
    first = next(number for number, step in enumerate(steps) if step is not None)
    assert 5 < first < 28
    step = steps[first]
    assert (step.what, step.rule) == (DecisionKind.ROLL_BACK, "rollout.watch")
    assert step.reason.startswith(
        "the promotion is taken back: version 1, the champion before, scored the same requests"
    )
    assert step.evidence["e_value"] >= 20


@pytest.mark.parametrize("mean", [0.0, -0.02])
def test_a_right_promotion_is_confirmed_when_the_watch_is_over(tiny, mean):
    assert {step_after(tiny.project, days, mean) for days in range(28)} == {None}
    step = step_after(tiny.project, 28, mean)
    assert (step.what, step.rule) == (DecisionKind.CONFIRM, "rollout.watch_days")
    assert step.evidence["days"] == 28


def test_without_outcomes_the_promotion_stays(tiny):
    step = end_of_watch(tiny.project, WATCH, watch_until(tiny.project, WATCH), task=Binary(), daily=NO_DAYS)
    assert step.what is DecisionKind.CONFIRM
    assert "no day with outcomes yet" in step.reason


def test_the_settings_may_end_a_watch_early_but_not_prolong_it(tiny):
    assert watch_until(with_rollout(tiny, watch_days=0), WATCH) == BEGAN
    assert watch_until(with_rollout(tiny, watch_days=90), WATCH) == days_after(BEGAN, 28, ZONE)
    assert watch_until(tiny.project, WATCH) - BEGAN == timedelta(days=28, hours=-1), "days of the calendar"


def test_not_worse_is_not_enough_to_take_a_promotion_back(tiny):
    """With `not_worse` a margin is allowed to the candidate; the champion before gets none."""
    project = with_rollout(tiny, prove="not_worse", margin=0.05)
    assert step_after(project, 27, 0.0) is None


@pytest.mark.parametrize("seeds", [range(300)])
def test_a_promotion_of_an_equal_is_seldom_taken_back(tiny, seeds):
    taken_back = 0
    now = days_after(BEGAN, 28, ZONE)
    for seed in seeds:
        step = end_of_watch(tiny.project, WATCH, now, task=Binary(), daily=gains(0.0, 28, seed=seed))
        taken_back += step is not None and step.what is DecisionKind.ROLL_BACK
    assert taken_back <= 0.05 * len(seeds)
