"""Trigger: the champion's answers are worse than when it was accepted."""

from dataclasses import replace

import polars as pl
import pytest
from trigger_days import RECORD, TRAINED, measurement_rows, midnight, trigger_input, watching

from mlops_lab.loop.triggers.performance import check_performance, mean_loss
from mlops_lab.tasks.regression import Regression


def days(loss: float, *numbers: int, outcomes: float = 100.0, measure: str = "log_loss") -> pl.DataFrame:
    values = {("quality", measure): loss, ("volume", "outcomes"): outcomes}
    return pl.concat(measurement_rows(number, values) for number in numbers)


def check(tiny, measurements, *, day=20, record=RECORD, **settings):
    project = watching(tiny.project, **{"max_loss_increase": 0.02, **settings})
    return check_performance(trigger_input(project, TRAINED, midnight(day), measurements, record=record))


@pytest.mark.parametrize(("loss", "fires"), [(0.43, True), (0.419, False), (0.3, False)])
def test_it_compares_the_loss_with_that_of_the_held_out_rows(tiny, loss, fires):
    assert (check(tiny, days(loss, 17, 18, 19)) is not None) == fires


def test_the_reason_names_both_losses(tiny):
    fired = check(tiny, days(0.43, 17, 18))
    assert fired is not None
    assert fired.reason == (
        "over 7 days the log loss was 0.4300, and 0.4000 when version 1 was accepted (200 outcomes; limit 0.02 more)"
    )
    assert fired.evidence == {"loss": pytest.approx(0.43), "baseline": 0.4, "outcomes": 200.0}


def test_without_a_limit_a_baseline_or_enough_outcomes_it_never_fires(tiny):
    bad = days(0.9, 17, 18, 19)
    assert check(tiny, bad) is not None
    assert check(tiny, bad, max_loss_increase=None) is None
    assert check(tiny, bad, record=None) is None
    assert check(tiny, bad, record=replace(RECORD, loss=None)) is None
    assert check(tiny, days(0.9, 19, outcomes=49)) is None
    assert check(tiny, bad.clear()) is None


def test_it_has_a_cool_down_of_its_own(tiny):
    bad = days(0.9, 1, 2, 3, 4)
    assert check(tiny, bad, day=4) is None, "14 days, as every trigger without its own"
    assert check(tiny, bad, day=4, loss_cooldown_days=3) is not None


def test_a_day_weighs_as_much_as_its_outcomes_and_a_regression_counts_in_units_of_its_scale():
    losses = pl.concat([days(0.9, 17, outcomes=10.0), days(0.4, 18, outcomes=990.0)])
    assert mean_loss(losses, RECORD.task) == (pytest.approx(0.405), 1000.0)
    assert mean_loss(days(6.0, 17, measure="rmse"), Regression(scale=3.0)) == (pytest.approx(4.0), 100.0)
