"""Decisions of a person, and what is refused."""

from datetime import UTC, datetime

import pytest

from mlops_lab.errors import NotFound, Refused
from mlops_lab.loop.commands import decide_to_retrain, decide_to_roll_back, decide_to_split, decide_to_steer
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, fold

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
    return decide_to_steer(make(steps)[1], NOW, what=what, by="me", reason="why")


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
