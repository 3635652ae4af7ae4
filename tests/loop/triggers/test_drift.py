"""Trigger: drift of an input counts as much as the model needs that input."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trigger_days import RECORD, TRAINED, measurement_rows, midnight, trigger_input, watching

from mlops_lab.loop.triggers.drift import check_drift, moved_shares, weigh_drift


def day(number: int, *, amount: float = 0.04, shop: float = 0.04, answers: float = 500.0) -> pl.DataFrame:
    """A day on which the inputs had these stability indices."""
    drift = measurement_rows(number, {("drift", "amount"): amount, ("drift", "shop"): shop}, role=None)
    return pl.concat([drift, measurement_rows(number, {("volume", "predictions"): answers})])


def check(tiny, later: dict, *, record=RECORD, now=30, **settings):
    first = [day(number) for number in range(1, 8)]
    last = [day(number, **later) for number in range(24, 31)]
    project = watching(tiny.project, **{"max_drift_loss": 0.01, **settings})
    return check_drift(trigger_input(project, TRAINED, midnight(now), pl.concat([*first, *last]), record=record))


def test_only_an_input_that_the_model_needs_starts_a_training(tiny):
    """The importance of `amount` is 0.05, that of `shop` 0.002: all of its values may move."""
    fired = check(tiny, {"amount": 1.0})
    assert fired is not None
    assert fired.evidence["cost"] == pytest.approx(0.05 * (1.0**0.5 / 2 - 0.04**0.5 / 2))
    assert fired.reason.endswith("(limit 0.01), most of all amount")
    assert check(tiny, {"shop": 9.0}) is None


def test_drift_that_was_there_from_the_first_day_on_costs_nothing_more(tiny):
    assert check(tiny, {}) is None


def test_days_with_few_answers_do_not_count(tiny):
    assert check(tiny, {"amount": 4.0, "answers": 99.0}) is None


def test_without_a_limit_or_importances_it_never_fires_and_it_has_its_own_cool_down(tiny):
    bad = {"amount": 4.0}
    assert check(tiny, bad) is not None
    assert check(tiny, bad, max_drift_loss=None) is None
    assert check(tiny, bad, record=None) is None
    assert check(tiny, bad, drift_cooldown_days=31) is None


@given(st.lists(st.floats(0, 50), min_size=1, max_size=5), st.lists(st.floats(0, 50), max_size=5))
def test_a_cost_is_never_below_0_nor_above_the_importance(now, first):
    frames = [[day(number, amount=value) for number, value in enumerate(values, 1)] for values in (now, first)]
    later, usual = (moved_shares(pl.concat(frame)) if frame else moved_shares(day(1)).clear() for frame in frames)
    costs = weigh_drift(later, usual, {"amount": 0.3, "shop": -0.1})
    assert set(costs) <= {"amount"}
    assert all(0 < cost <= 0.3 for cost in costs.values())
