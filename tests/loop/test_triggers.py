"""What starts a retraining, and what does not."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.clock import day_start
from mlops_lab.loop.triggers import find_trigger, next_retraining
from mlops_lab.monitoring.measure import measure
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.binary import Binary

NEW_YORK = "America/New_York"
COOLDOWN, WINDOW, EVERY, LIMIT = 14, 7, 28, 0.1  # as mlops.toml has them by default


def midnight(days: int) -> datetime:
    """The end of a day, that many days after 1 March 2013; the clocks change on the 10th."""
    return day_start(date(2013, 3, 1) + timedelta(days=days), NEW_YORK)


TRAINED = RolloutState(champion=1, last_retrain=midnight(0))


def measured_days(gap: float, *days: int, rows: int = 100) -> pl.DataFrame:
    """Measurements of the days that end at these midnights: more ended true than was said, by `gap`."""
    ended = pl.DataFrame({"truth": [1.0, 0.0] * (rows // 2), "output": [0.5 - gap] * rows})
    return pl.concat(
        [pl.DataFrame(schema=MEASUREMENTS.fixed_schema)]
        + [
            measure(
                at=midnight(day),
                window_hours=24.0,
                version=1,
                task=Binary(),
                predictions=pl.DataFrame(),
                ended=ended,
                profiles={},
            )
            for day in days
        ]
    )


def fired(tiny, state, now, measurements: pl.DataFrame | None = None) -> str | None:
    table = measured_days(0.0) if measurements is None else measurements
    trigger = find_trigger(tiny.project, state, now, measured=lambda since: table.filter(pl.col("at") > since))
    return trigger and trigger.rule


def test_what_was_never_trained_is_trained(tiny):
    assert fired(tiny, RolloutState(), midnight(0)) == "triggers.first"


@pytest.mark.parametrize(
    ("day", "gap", "rule"),
    [
        (1, 0.5, None),  # cooling down
        (13, 0.5, None),
        (14, 0.5, "triggers.max_calibration_gap"),
        (14, -0.5, "triggers.max_calibration_gap"),
        (14, 0.11, "triggers.max_calibration_gap"),
        (14, 0.09, None),
        (14, -0.09, None),
        (27, 0.0, None),
        (28, 0.0, "triggers.every_days"),
        (40, 0.0, "triggers.every_days"),
        (28, 0.5, "triggers.max_calibration_gap"),
    ],
)
def test_the_rules_by_example(tiny, day, gap, rule):
    assert fired(tiny, TRAINED, midnight(day), measured_days(gap, *range(day - 6, day + 1))) == rule


def test_days_are_counted_on_the_calendar(tiny):
    """Across the change of the clocks 14 days are an hour short, and 14 days all the same."""
    gaps = measured_days(0.5, *range(8, 15))
    assert midnight(14) - midnight(0) == timedelta(days=14) - timedelta(hours=1)
    assert fired(tiny, TRAINED, midnight(14) - timedelta(minutes=1), gaps) is None
    assert fired(tiny, TRAINED, midnight(14), gaps) == "triggers.max_calibration_gap"
    assert fired(tiny, TRAINED, midnight(28) - timedelta(minutes=1)) is None
    assert fired(tiny, TRAINED, midnight(28)) == "triggers.every_days"
    autumn = RolloutState(champion=1, last_retrain=datetime(2013, 10, 25, 4, tzinfo=UTC))
    assert fired(tiny, autumn, datetime(2013, 11, 22, 4, tzinfo=UTC)) is None  # an hour before midnight by now
    assert fired(tiny, autumn, datetime(2013, 11, 22, 5, tzinfo=UTC)) == "triggers.every_days"


def test_only_the_days_of_the_window_count(tiny):
    old = measured_days(0.45, *range(1, 15))
    recent = measured_days(0.0, *range(15, 22))
    assert fired(tiny, TRAINED, midnight(21), pl.concat([old, recent])) is None
    assert fired(tiny, TRAINED, midnight(18), pl.concat([old, recent])) == "triggers.max_calibration_gap"


def test_a_day_weighs_as_much_as_its_outcomes(tiny):
    few_bad, many_good = measured_days(0.45, 20, rows=10), measured_days(0.0, 21, rows=1000)
    assert fired(tiny, TRAINED, midnight(21), pl.concat([few_bad, many_good])) is None


def test_no_measurements_fire_nothing(tiny):
    assert fired(tiny, TRAINED, midnight(20)) is None
    assert fired(tiny, TRAINED, midnight(20), measured_days(0.0, 20, rows=0)) is None


def test_the_reason_says_what_was_seen(tiny):
    table = measured_days(-0.25, 20, 21)
    trigger = find_trigger(tiny.project, TRAINED, midnight(21), measured=lambda since: table)
    assert trigger.reason.startswith("over 7 days 0.250 fewer of the requests ended true than was predicted")
    assert trigger.evidence == {"gap": pytest.approx(-0.25), "outcomes": 200.0}


def test_the_next_training_is_told_beforehand(tiny):
    due = next_retraining(tiny.project, midnight(0))
    assert (due.watched_from, due.at) == (midnight(COOLDOWN), midnight(EVERY))
    assert due.watched == "the outcomes and the answers of 7 days lie on average more than 0.1 apart"


@given(st.integers(0, 60), st.floats(-0.5, 0.5), st.lists(st.integers(-5, 60), max_size=5, unique=True))
def test_rules_keep_their_days(tiny, day, gap, days):
    rule = fired(tiny, TRAINED, midnight(day), measured_days(gap, *days))
    if day < COOLDOWN:
        assert rule is None
    elif day >= EVERY:
        assert rule is not None
    seen = [measured for measured in days if day - WINDOW < measured]
    if rule == "triggers.max_calibration_gap":
        assert seen
        assert abs(gap) > LIMIT - 1e-9
    elif day >= COOLDOWN and seen:
        assert abs(gap) <= LIMIT + 1e-9


def test_few_outcomes_prove_nothing(tiny):
    assert fired(tiny, TRAINED, midnight(20), measured_days(0.3, 19, rows=48)) is None
    assert fired(tiny, TRAINED, midnight(20), measured_days(0.3, 19, rows=50)) == "triggers.max_calibration_gap"
