"""Approvals as a part of the state: given once, used once, gone with the version."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab.rollout.approvals import Approvals, Asked, person_of
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold

AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
Kind = DecisionKind


def make(*steps: tuple[Kind, int | None, dict[str, object]]) -> list[Decision]:
    return [
        Decision(AT + n * DAY, what, version, "r", "", "bob", data) for n, (what, version, data) in enumerate(steps)
    ]


SHADOW = [(Kind.BOOTSTRAP, 1, {}), (Kind.SHADOW, 2, {})]
ASKED = [*SHADOW, (Kind.ASK_APPROVAL, 2, {"step": "canary"})]
APPROVED = [*ASKED, (Kind.APPROVE, 2, {"step": "canary"}), (Kind.APPROVE, 2, {"step": "promote"})]


def test_a_step_waits_until_it_is_taken():
    assert fold(make(*SHADOW)).approvals == Approvals()
    assert fold(make(*ASKED)).approvals.asked == Asked(2, "canary", AT + 2 * DAY)
    state = fold(make(*APPROVED, (Kind.CANARY, 2, {"share": 0.1})))
    assert state.approvals.asked is None
    assert [item.step for item in state.approvals.given] == ["promote"], "the other one is used"
    assert fold(make(*APPROVED, (Kind.PROMOTE, 2, {}))).approvals == Approvals()


def test_one_person_has_one_word():
    state = fold(make(*APPROVED, (Kind.APPROVE, 2, {"step": "canary"})))
    assert [(item.step, item.at) for item in state.approvals.given] == [
        ("promote", AT + 4 * DAY),
        ("canary", AT + 5 * DAY),
    ]


@pytest.mark.parametrize("what", [Kind.ROLL_BACK, Kind.EXPIRE, Kind.REJECT])
def test_approvals_end_with_the_rollout(what):
    state = fold(make(*APPROVED, (what, 2, {})))
    assert (state.challenger, state.stage, state.approvals) == (None, None, Approvals())


def test_a_fresher_candidate_has_no_approval():
    state = fold(make(*APPROVED, (Kind.SUPERSEDE, 3, {})))
    assert (state.challenger, state.approvals) == (3, Approvals())


def test_a_rejected_version_that_is_no_challenger_changes_no_rollout():
    state = fold(make(*APPROVED, (Kind.APPROVE, 5, {"step": "ab_start"}), (Kind.REJECT, 5, {})))
    assert (state.challenger, state.stage) == (2, Kind.SHADOW)
    assert {item.version for item in state.approvals.given} == {2}


@pytest.mark.parametrize(
    ("what", "version", "data"),
    [(Kind.AB_START, None, {"arms": {"5": 0.1, "6": 0.1}}), (Kind.SPLIT, 5, {"share": 0.2})],
)
def test_an_ab_test_uses_the_approvals_of_its_versions(what, version, data):
    given = [(Kind.APPROVE, 5, {"step": "ab_start"}), (Kind.APPROVE, 4, {"step": "ab_start"})]
    state = fold(make(*SHADOW, *given, (what, version, data)))
    assert [item.version for item in state.approvals.given] == [4]


def test_a_clock_that_was_ahead_moves_them_back():
    *before, clock = make(*APPROVED, (Kind.CLOCK, None, {}))
    state = fold([*before, Decision(AT, clock.what, None, "clock", "", "loop")])
    assert state.approvals.asked == Asked(2, "canary", AT)
    assert {item.at for item in state.approvals.given} == {AT}


def test_a_token_and_a_user_of_one_name_are_one_person():
    assert person_of("token:ada") == person_of("ada") == "ada"
