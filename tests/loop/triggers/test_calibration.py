"""Trigger: outcomes and answers lie too far apart."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from trigger_days import CHAMPION, TRAINED, measured_days, midnight, trigger_input

from mlops_lab.loop.triggers.calibration import check_calibration


def fires(tiny, now: datetime, measurements: pl.DataFrame | None = None) -> bool:
    return check_calibration(trigger_input(tiny.project, TRAINED, now, measurements)) is not None


def test_the_cool_down_is_counted_on_the_calendar(tiny):
    """Across the change of the clocks 14 days are an hour short, and 14 days all the same."""
    gaps = measured_days(0.5, *range(8, 15))
    assert midnight(14) - midnight(0) == timedelta(days=14) - timedelta(hours=1)
    assert not fires(tiny, midnight(14) - timedelta(minutes=1), gaps)
    assert fires(tiny, midnight(14), gaps)


def test_only_the_days_of_the_window_count(tiny):
    old = measured_days(0.45, *range(1, 15))
    newer = measured_days(0.0, *range(15, 22))
    assert not fires(tiny, midnight(21), pl.concat([old, newer]))
    assert fires(tiny, midnight(18), pl.concat([old, newer]))


def test_a_day_weighs_as_much_as_its_outcomes(tiny):
    few_bad, many_good = measured_days(0.45, 20, rows=10), measured_days(0.0, 21, rows=1000)
    assert not fires(tiny, midnight(21), pl.concat([few_bad, many_good]))


def test_no_measurements_fire_nothing(tiny):
    assert not fires(tiny, midnight(20))
    assert not fires(tiny, midnight(20), measured_days(0.0, 20, rows=0))


def test_the_reason_says_what_was_seen(tiny):
    fired = check_calibration(trigger_input(tiny.project, TRAINED, midnight(21), measured_days(-0.25, 20, 21)))
    assert fired is not None
    assert fired.reason.startswith("over 7 days 0.250 fewer of the requests ended true than was predicted")
    assert fired.evidence == {"gap": pytest.approx(-0.25), "outcomes": 200.0}


def test_few_outcomes_prove_nothing(tiny):
    assert not fires(tiny, midnight(20), measured_days(0.3, 19, rows=48))
    assert fires(tiny, midnight(20), measured_days(0.3, 19, rows=50))


def test_late_outcomes_of_the_version_before_are_not_the_champions(tiny):
    """Labels come days late: after a promotion most outcomes belong to answers of the version before."""
    days = range(15, 22)
    before, champion = measured_days(0.5, *days, version=CHAMPION + 1), measured_days(0.0, *days)
    assert not fires(tiny, midnight(21), pl.concat([before, champion]))
    assert not fires(tiny, midnight(21), before)
    assert fires(tiny, midnight(21), pl.concat([before, measured_days(0.5, *days)]))


def test_what_it_answered_as_an_arm_of_an_ab_test_is_not_the_champions(tiny):
    days = range(15, 22)
    as_arm = measured_days(0.5, *days).with_columns(role=pl.lit("arm"))
    assert not fires(tiny, midnight(21), as_arm)
    assert not fires(tiny, midnight(21), pl.concat([as_arm, measured_days(0.0, *days)]))
    assert fires(tiny, midnight(21), pl.concat([as_arm, measured_days(0.5, *days)]))
