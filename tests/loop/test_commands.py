"""Decisions of a person, and what is refused."""

from datetime import UTC, datetime

import pytest

from mlops_lab.errors import NotFound, Refused
from mlops_lab.loop.commands import (
    decide_to_retrain,
    decide_to_roll_back,
    decide_to_split,
    decide_to_start_test,
    decide_to_steer,
    decide_to_stop_test,
)
from mlops_lab.rollout.decisions import AB_WINNER, Decision, DecisionKind, RolloutState, fold

NOW = datetime(2013, 3, 1, 5, tzinfo=UTC)
LIVE = [(DecisionKind.RETRAIN, None), (DecisionKind.BOOTSTRAP, 1)]
SHADOW = [*LIVE, (DecisionKind.RETRAIN, None), (DecisionKind.SHADOW, 2)]
PROMOTED = [*SHADOW, (DecisionKind.CANARY, 2), (DecisionKind.PROMOTE, 2)]
REFUSED = [*PROMOTED, (DecisionKind.RETRAIN, None), (DecisionKind.REFUSE, 3)]


def make(steps) -> tuple[list[Decision], RolloutState]:
    package = {"package": "folder", "fingerprint": "abc"}
    decisions = [Decision(NOW, kind, version, "rule", "reason", "loop", package) for kind, version in steps]
    return decisions, fold(decisions)


def test_a_person_may_ask_for_a_training_unless_a_rollout_is_under_way():
    asked = decide_to_retrain(make(LIVE)[1], NOW, by="me")
    assert asked == Decision(NOW, DecisionKind.RETRAIN, None, "asked", "asked for by me", "me")
    assert decide_to_retrain(make([*LIVE, (DecisionKind.RETRAIN, None)])[1], NOW, by="me") is None
    with pytest.raises(Refused) as caught:
        decide_to_retrain(make(SHADOW)[1], NOW, by="me")
    assert caught.value.code == "rollout_under_way"


@pytest.mark.parametrize(("steps", "version"), [(SHADOW, 2), (PROMOTED, 1)])
def test_a_rollback_takes_back_the_challenger_or_the_champion(steps, version):
    decision = decide_to_roll_back(make(steps)[1], NOW, by="me", reason="it is worse")
    assert (decision.what, decision.version, decision.reason) == (DecisionKind.ROLL_BACK, version, "it is worse")


@pytest.mark.parametrize("steps", [[], LIVE])
def test_there_must_be_a_version_to_go_back_to(steps):
    with pytest.raises(Refused) as caught:
        decide_to_roll_back(make(steps)[1], NOW, by="me", reason="")
    assert caught.value.code == "nothing_to_roll_back"


def steer(steps, what: DecisionKind) -> Decision:
    return decide_to_steer(make(steps)[1], NOW, what=what, by="me", reason="why", watch_days=14)


@pytest.mark.parametrize("steps", [SHADOW, [*SHADOW, (DecisionKind.CANARY, 2)]])
def test_a_rollout_is_paused_and_goes_on(steps):
    paused = [*steps, (DecisionKind.PAUSE, 2)]
    assert steer(steps, DecisionKind.PAUSE).version == 2
    assert make(paused)[1].is_paused
    assert make(paused)[1].stage == make(steps)[1].stage
    assert steer(paused, DecisionKind.RESUME).reason == "why"
    assert not make([*paused, (DecisionKind.RESUME, 2)])[1].is_paused
    for what in (DecisionKind.ROLL_BACK, DecisionKind.PROMOTE):
        assert steer(paused, what).what is what
        after = make([*paused, (what, 2)])[1]
        assert (after.is_paused, after.stage, after.champion) == (False, None, 2 if what is DecisionKind.PROMOTE else 1)


@pytest.mark.parametrize(
    ("steps", "what", "code"),
    [
        *((LIVE, what, "no_rollout") for what in (DecisionKind.PAUSE, DecisionKind.RESUME, DecisionKind.PROMOTE)),
        (LIVE, DecisionKind.ROLL_BACK, "no_rollout"),
        (SHADOW, DecisionKind.RESUME, "nothing_to_change"),
        ([*SHADOW, (DecisionKind.PAUSE, 2)], DecisionKind.PAUSE, "nothing_to_change"),
    ],
)
def test_a_rollout_is_steered_only_where_that_changes_something(steps, what, code):
    with pytest.raises(Refused) as caught:
        steer(steps, what)
    assert caught.value.code == code


def split(steps, version: int, share: float) -> Decision:
    decisions, state = make(steps)
    return decide_to_split(decisions, state, NOW, version=version, share=share, by="me")


def test_a_version_that_passed_its_gates_may_answer_a_share():
    decision = split(PROMOTED, 1, 0.25)
    assert (decision.what, decision.version, decision.evidence) == (DecisionKind.SPLIT, 1, {"share": 0.25})
    assert "25%" in decision.reason
    assert split(PROMOTED, 1, 0.0).reason == "the A/B test is over"
    assert split(PROMOTED, 2, 0.0).evidence == {"share": 0.0}, "ending it is allowed for the champion too"


@pytest.mark.parametrize(
    ("steps", "version", "share", "code"),
    [
        (REFUSED, 3, 0.1, "not_passed"),
        (PROMOTED, 2, 0.1, "is_champion"),
        (PROMOTED, 1, 1.0, "share_too_large"),
    ],
)
def test_other_shares_are_refused(steps, version, share, code):
    with pytest.raises(Refused) as caught:
        split(steps, version, share)
    assert caught.value.code == code


def test_the_shares_of_all_versions_leave_something_for_the_champion():
    decisions, state = make([*PROMOTED, (DecisionKind.RETRAIN, None), (DecisionKind.SHADOW, 4)])
    first = decide_to_split(decisions, state, NOW, version=1, share=0.6, by="me")
    state = fold([*decisions, first])
    with pytest.raises(Refused):
        decide_to_split(decisions, state, NOW, version=4, share=0.4, by="me")
    assert decide_to_split(decisions, state, NOW, version=4, share=0.3, by="me")
    assert decide_to_split(decisions, state, NOW, version=1, share=0.9, by="me"), "its own share is replaced"


def test_an_unknown_version_is_not_found():
    with pytest.raises(NotFound):
        split(PROMOTED, 9, 0.1)


THREE = [*PROMOTED, (DecisionKind.RETRAIN, None), (DecisionKind.SHADOW, 3), (DecisionKind.PROMOTE, 3)]


def start_test(steps, shares: dict[int, float]) -> Decision:
    decisions, state = make(steps)
    return decide_to_start_test(decisions, state, NOW, shares=shares, by="me", reason="why")


def stop_test(steps, keep: int | None, shares: dict[int, float]) -> Decision:
    decisions, _ = make(steps)
    state = fold([*decisions, start_test(steps, shares)])
    return decide_to_stop_test(state, NOW, keep=keep, by="me", reason="why", evidence={"since": "then"})


def test_an_ab_test_begins_with_all_its_arms():
    decision = start_test(THREE, {2: 0.2, 1: 0.3})
    assert (decision.what, decision.version, decision.reason, decision.by) == (
        DecisionKind.AB_START,
        None,
        "why",
        "me",
    )
    assert decision.evidence == {"arms": {"1": 0.3, "2": 0.2}, "control": 3}
    assert start_test(THREE, {2: 0.2}).version == 2


@pytest.mark.parametrize(
    ("shares", "code"),
    [({1: 0.5, 2: 0.5}, "share_too_large"), ({3: 0.1}, "is_champion"), ({1: 0.2, 4: 0.2}, "not_passed")],
)
def test_an_ab_test_that_cannot_be_is_refused(shares, code):
    with pytest.raises(Refused) as caught:
        start_test([*THREE, (DecisionKind.RETRAIN, None), (DecisionKind.REFUSE, 4)], shares)
    assert caught.value.code == code


def test_one_ab_test_at_a_time():
    decisions, _ = make(THREE)
    decisions.append(start_test(THREE, {1: 0.5}))
    with pytest.raises(Refused) as caught:
        decide_to_start_test(decisions, fold(decisions), NOW, shares={2: 0.1}, by="me", reason="")
    assert caught.value.code == "ab_under_way"


def test_a_test_ends_with_the_champion_or_with_a_winner():
    for keep in (None, 3):
        stopped = stop_test(THREE, keep, {1: 0.5})
        assert (stopped.what, stopped.version, stopped.evidence) == (DecisionKind.AB_STOP, None, {"since": "then"})
    winner = stop_test(THREE, 1, {1: 0.5})
    assert (winner.what, winner.version, winner.rule, winner.reason) == (DecisionKind.PROMOTE, 1, AB_WINNER, "why")


@pytest.mark.parametrize(
    ("steps", "keep", "code"),
    [(THREE, 2, "not_in_ab_test"), ([*THREE, (DecisionKind.SHADOW, 4)], 1, "rollout_under_way")],
)
def test_only_a_version_of_the_test_is_kept_and_no_rollout_ends_with_it(steps, keep, code):
    with pytest.raises(Refused) as caught:
        stop_test(steps, keep, {1: 0.5})
    assert caught.value.code == code


def test_without_a_test_there_is_nothing_to_stop():
    with pytest.raises(Refused) as caught:
        decide_to_stop_test(make(LIVE)[1], NOW, keep=None, by="me", reason="", evidence={})
    assert caught.value.code == "no_ab_test"
