"""The tests about monitoring."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from readiness_facts import FIRST, NOTHING, lived, make_evidence, make_settings, measure, measure_days, train

from mlops_lab.alerts.deliveries import Delivery
from mlops_lab.lineage.readiness.monitoring import (
    check_age,
    check_numbers,
    check_parity,
    check_quality,
    check_speed,
    check_upstream,
)
from mlops_lab.rollout.decisions import DecisionKind


def deliver(result: str) -> Delivery:
    return Delivery(at=FIRST, channel="chat", alert=None, attempt=1, result=result, reason="", seconds=0.1)


def test_alerts_must_have_reached_somebody() -> None:
    listed = check_upstream(make_evidence())
    assert (listed.points, listed.mend) == (0.5, None)
    declared = make_settings(alerts={"channels": {"chat": "json://127.0.0.1:1/"}})
    tried = check_upstream(make_evidence(settings=declared, deliveries=[deliver("failed")]))
    assert (tried.points, tried.mend) == (0.5, "try the channels: `mlops alerts test`")
    sent = check_upstream(make_evidence(settings=declared, deliveries=[deliver("sent")]))
    assert (sent.points, "chat delivered 1 message" in sent.evidence) == (1, True)
    assert check_upstream(make_evidence(measurements=measure(), deliveries=[deliver("sent")])).points == 0


def test_values_that_differ_on_the_last_day_say_no() -> None:
    def days(*differing: float) -> pl.DataFrame:
        rows = [(day, "parity", "compared", 100.0) for day in range(len(differing))]
        return measure(*rows, *((day, "parity", "differing", value) for day, value in enumerate(differing)))

    same = check_parity(make_evidence(measurements=days(0, 0)))
    assert (same.points, same.evidence) == (1, "200 values were computed again on 2 days, 0 differ")
    mended = check_parity(make_evidence(measurements=days(7, 0)))
    assert (mended.points, "7 differ" in mended.evidence) == (1, True)
    broken = check_parity(make_evidence(measurements=days(0, 7)))
    assert (broken.points, broken.says_no) == (0, True)
    assert check_parity(make_evidence(measurements=days(0))).points == 0.5


@pytest.mark.parametrize(("days", "points"), [(20, 1), (62, 1), (63, 0), (400, 0)])
def test_a_model_is_too_old_after_the_period_and_the_cooldown(days: int, points: float) -> None:
    """28 and 14 days after the last training, which was on day 20."""
    found = check_age(make_evidence(now=FIRST + timedelta(days=days)))
    assert (found.points, found.says_no) == (points, not points)


def test_a_training_by_hand_is_half_a_point() -> None:
    decisions = [train(0, DecisionKind.BOOTSTRAP, 1, by="ada")]
    found = check_age(make_evidence(decisions=decisions, now=FIRST + timedelta(days=1)))
    assert found.points == 0.5
    assert check_age(make_evidence(decisions=decisions, now=FIRST - timedelta(days=1))).points == 0.5, "a wrong clock"
    assert check_age(NOTHING).points == 0


def test_speed_is_half_a_point_at_most() -> None:
    found = check_speed(make_evidence(measurements=measure_days(range(30))))
    assert (found.points, found.mend) == (0.5, "")
    without = check_speed(make_evidence(measurements=measure()))
    assert (without.points, without.evidence) == (0, "no day has counts of a server")


def test_rows_and_outcomes_are_counted() -> None:
    assert check_numbers(make_evidence()).evidence.endswith("judged 3 candidates, on 300 rows")
    assert check_quality(make_evidence()).evidence == "10 answers were held against outcomes on 2 days"
    assert check_quality(make_evidence(decisions=lived(), measurements=measure())).points == 0
