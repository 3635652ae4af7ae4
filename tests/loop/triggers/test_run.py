"""Which trigger fires first, and when the next retraining is due."""

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trigger_days import COOLDOWN, EVERY, LIMIT, TRAINED, WINDOW, measured_days, midnight, trigger_input

from mlops_lab.loop.triggers.run import find_trigger, next_retraining


def fired(tiny, last_training: datetime | None, now: datetime, measurements: pl.DataFrame | None = None) -> str | None:
    trigger = find_trigger(trigger_input(tiny.project, last_training, now, measurements))
    return trigger and trigger.rule


def test_what_was_never_trained_is_trained(tiny):
    assert fired(tiny, None, midnight(0)) == "triggers.first"


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


def test_the_next_training_is_known_beforehand(tiny):
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
