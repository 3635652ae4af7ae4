"""The loop after its clock was ahead: it measures and decides as before, from now on."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.loop.clock import MAX_AHEAD, check_moment, clock_alert, decide_about_clock
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, fold, made_before
from mlops_lab.tables.trusted_moments import CLOCK_TOLERANCE, MAX_JUMP

NOW = datetime(2013, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=400)


def test_a_moment_far_ahead_is_a_mistake():
    assert check_moment(None, now=NOW) == NOW
    assert check_moment(NOW + MAX_AHEAD, now=NOW) == NOW + MAX_AHEAD
    with pytest.raises(InvalidInput, match="more than 366 days after now") as caught:
        check_moment(LATER, now=NOW)
    assert caught.value.code == "far_ahead"


@pytest.mark.parametrize(("clock", "tolerance"), [("wall", CLOCK_TOLERANCE), ("data", MAX_JUMP)])
@pytest.mark.parametrize("name", ["since", "rollout_began", "last_retrain", "measured"])
def test_what_is_dated_after_now_counts_as_of_now(write_project, tmp_path, clock, tolerance, name):
    project = write_project(tmp_path, ('clock = "data"', f'clock = "{clock}"'))
    for ahead, is_told in ((tolerance, False), (tolerance + timedelta(seconds=1), True)):
        times = {name: NOW + ahead}
        measured = times.pop("measured", None)
        decision = decide_about_clock(project, RolloutState(**times), measured=measured, now=NOW, by="loop")
        assert (decision is not None) is is_told
    assert decision is not None
    assert (decision.what, decision.at, clock_alert(decision).at) == (DecisionKind.CLOCK, NOW, NOW)


def test_a_decision_dated_ahead_counts_for_the_days_after_the_clock_was_corrected():
    """The version that was promoted then answers since: its days are measured as its own."""
    bootstrap = Decision(NOW - timedelta(days=9), DecisionKind.BOOTSTRAP, 1, "r", "", "test")
    promote = Decision(LATER, DecisionKind.PROMOTE, 2, "r", "", "test")
    clock = Decision(NOW, DecisionKind.CLOCK, None, "clock", "", "test")
    decisions = [bootstrap, promote, clock]
    assert made_before(decisions[:2], NOW + timedelta(days=1)) == [bootstrap]
    assert made_before(decisions, NOW + timedelta(days=1)) == decisions
    assert made_before(decisions, NOW) == [bootstrap]


def test_after_it_no_moment_of_the_state_lies_in_the_future():
    def decision(at: datetime, what: DecisionKind, version: int | None = 1) -> Decision:
        return Decision(at, what, version, "r", "", "test")

    before = [
        decision(NOW, DecisionKind.BOOTSTRAP),
        decision(LATER, DecisionKind.RETRAIN, None),
        decision(LATER, DecisionKind.SHADOW, 2),
    ]
    after = fold([*before, decision(NOW, DecisionKind.CLOCK, None)])
    assert (after.since, after.rollout_began, after.last_retrain) == (NOW, NOW, NOW)
    assert (after.challenger, after.stage, after.generation) == (2, DecisionKind.SHADOW, 4)
    retraining = fold([*before[:2], decision(NOW, DecisionKind.CLOCK, None)]).retraining
    assert retraining is not None
    assert retraining.at == NOW
