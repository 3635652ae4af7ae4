"""Decisions: what is live is a fold over them, and the fold has an answer to everything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.lake import Lake
from mlops_lab.rollout.decision_log import as_written_now, read_decisions, write_decision
from mlops_lab.rollout.decisions import AB_WINNER, Decision, DecisionKind, RolloutState, Watch, apply, fold

START = datetime(2013, 3, 1, 5, tzinfo=UTC)
BOOTSTRAP, RETRAIN, REFUSE = DecisionKind.BOOTSTRAP, DecisionKind.RETRAIN, DecisionKind.REFUSE
SHADOW, CANARY, PROMOTE, ROLL_BACK = (
    DecisionKind.SHADOW,
    DecisionKind.CANARY,
    DecisionKind.PROMOTE,
    DecisionKind.ROLL_BACK,
)


def decide(*steps: tuple[DecisionKind, int | None]) -> list[Decision]:
    """One decision a day."""
    return [
        Decision(START + timedelta(days=number), what, version, "rule", "reason", "loop")
        for number, (what, version) in enumerate(steps)
    ]


def day(number: int) -> datetime:
    return START + timedelta(days=number)


# One decision is mostly its kind and its version; the moments are in order or not, as they come.
decisions = st.lists(
    st.tuples(st.sampled_from(DecisionKind), st.none() | st.integers(1, 5), st.integers(0, 99)), max_size=15
).map(
    lambda steps: [
        Decision(START + timedelta(hours=hour), what, version, "rule", "reason", "loop")
        for what, version, hour in steps
    ]
)
written = st.lists(
    st.builds(
        Decision,
        at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
        what=st.sampled_from(DecisionKind),
        version=st.none() | st.integers(1, 5),
        rule=st.text(max_size=5),
        reason=st.text(max_size=5),
        by=st.text(max_size=5),
        evidence=st.dictionaries(
            st.text(max_size=5),
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
            max_size=3,
        ),
    ),
    max_size=4,
)


@examples(200)
@given(decisions)
def test_any_decisions_lead_to_one_state(made):
    state = fold(made)
    assert state == fold(list(made)) == fold(iter(made))
    assert state.generation == len(made)
    assert state.stage in {None, SHADOW, CANARY}
    assert None not in state.previous


@examples(200)
@given(decisions, decisions)
def test_what_was_decided_can_be_folded_in_parts(before, after):
    assert fold(before + after) == reduce(apply, after, fold(before))


@examples(200)
@given(decisions)
def test_deciding_changes_no_earlier_state(made):
    states = [fold(made[:length]) for length in range(len(made) + 1)]
    again = [fold(made[:length]) for length in range(len(made) + 1)]
    assert states == again
    assert [state.generation for state in states] == list(range(len(made) + 1))


@examples(200)
@given(decisions, st.integers(1, 9))
def test_a_promotion_is_undone_by_a_rollback(made, version):
    """Rollback is exact: the version that answered before answers again, and so do those before it."""
    before = fold([*made, *decide((BOOTSTRAP, 1))])
    promoted = apply(before, decide((PROMOTE, version))[0])
    assert promoted.champion == version
    assert promoted.previous[-1] == before.champion
    back = apply(promoted, decide((ROLL_BACK, promoted.previous[-1]))[0])
    assert (back.champion, back.previous) == (before.champion, before.previous)


@pytest.mark.parametrize(
    ("steps", "champion", "previous", "challenger", "stage"),
    [
        ([], None, (), None, None),
        ([(BOOTSTRAP, 1)], 1, (), None, None),
        ([(BOOTSTRAP, 1), (RETRAIN, None), (REFUSE, 2)], 1, (), None, None),
        ([(BOOTSTRAP, 1), (RETRAIN, None), (SHADOW, 2)], 1, (), 2, SHADOW),
        ([(BOOTSTRAP, 1), (SHADOW, 2), (CANARY, 2)], 1, (), 2, CANARY),
        ([(BOOTSTRAP, 1), (SHADOW, 2), (CANARY, 2), (PROMOTE, 2)], 2, (1,), None, None),
        ([(BOOTSTRAP, 1), (SHADOW, 2), (ROLL_BACK, 2)], 1, (), None, None),
        ([(BOOTSTRAP, 1), (SHADOW, 2), (CANARY, 2), (ROLL_BACK, 2)], 1, (), None, None),
        ([(BOOTSTRAP, 1), (PROMOTE, 2), (PROMOTE, 3)], 3, (1, 2), None, None),
        ([(BOOTSTRAP, 1), (PROMOTE, 2), (PROMOTE, 3), (ROLL_BACK, 2)], 2, (1,), None, None),
        ([(BOOTSTRAP, 1), (PROMOTE, 2), (PROMOTE, 3), (ROLL_BACK, 2), (ROLL_BACK, 1)], 1, (), None, None),
        ([(BOOTSTRAP, 1), (PROMOTE, 2), (SHADOW, 3), (ROLL_BACK, 3), (ROLL_BACK, 1)], 1, (), None, None),
    ],
)
def test_who_answers_after(steps, champion, previous, challenger, stage):
    state = fold(decide(*steps))
    assert (state.champion, state.previous, state.challenger, state.stage) == (champion, previous, challenger, stage)


def test_a_retraining_stays_open_until_it_ends():
    retrain, shadow = decide((RETRAIN, None), (SHADOW, 2))
    asked = apply(RolloutState(champion=1), retrain)
    assert (asked.retraining, asked.last_retrain) == (retrain, retrain.at)
    assert apply(asked, shadow).retraining is None
    refused = apply(asked, replace(shadow, what=REFUSE))
    assert (refused.retraining, refused.last_retrain) == (None, shadow.at)


def test_the_times_that_rules_ask_for():
    state = fold(decide((BOOTSTRAP, 1), (RETRAIN, None), (SHADOW, 2), (CANARY, 2)))
    assert (state.since, state.rollout_began, state.last_retrain) == (day(3), day(2), day(1))
    assert fold(decide((BOOTSTRAP, 1))).last_retrain == day(0)
    assert fold(decide((BOOTSTRAP, 1), (SHADOW, 2), (ROLL_BACK, 2))).rollout_began is None


@examples(15)
@given(made=written)
def test_decisions_read_back_as_they_were_written(made, tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    for number, decision in enumerate(made):
        assert write_decision(lake, decision, earlier=number)
    assert read_decisions(lake) == as_written_now(made)


@examples(200)
@given(decisions)
def test_decisions_of_older_releases_lead_to_the_same_states(made):
    read = as_written_now(made)
    assert as_written_now(read) == read
    assert [replace(new, what=old.what) for new, old in zip(read, made, strict=True)] == made
    assert fold(read) == fold(made)


def test_older_releases_had_no_kinds_for_a_fresher_candidate_and_an_expiry():
    older = decide(
        (BOOTSTRAP, 1), (SHADOW, 2), (SHADOW, 3), (ROLL_BACK, 3), (SHADOW, 4), (ROLL_BACK, 4), (ROLL_BACK, 1)
    )
    older[3] = replace(older[3], rule="rollout.max_days")
    older[6] = replace(older[6], rule="rollout.max_days")  # no rollout is under way: it cannot expire
    kinds = [decision.what for decision in as_written_now(older)]
    assert kinds == [BOOTSTRAP, SHADOW, DecisionKind.SUPERSEDE, DecisionKind.EXPIRE, SHADOW, ROLL_BACK, ROLL_BACK]


WATCHED = [
    *decide((BOOTSTRAP, 1), (SHADOW, 2), (CANARY, 2)),
    replace(decide((PROMOTE, 2))[0], evidence={"watch_days": 9}),
]


@pytest.mark.parametrize(
    ("what", "is_over"),
    [
        (DecisionKind.RETRAIN, False),
        (DecisionKind.REFUSE, False),
        (DecisionKind.SPLIT, False),
        (DecisionKind.SHADOW, True),  # the candidate takes the place in shadow
        (DecisionKind.CONFIRM, True),
        (DecisionKind.ROLL_BACK, True),
        (DecisionKind.PROMOTE, True),
    ],
)
def test_what_ends_a_watch(what, is_over):
    state = fold(WATCHED)
    assert state.watch == Watch(1, START, 9)
    assert state.compared_since == START
    after = apply(state, replace(WATCHED[0], what=what, version=1 if what is ROLL_BACK else 3))
    assert (after.watch is None) == is_over


def test_a_rollout_keeps_its_beginning_and_its_evidence_when_a_fresher_candidate_comes():
    state = fold(decide((BOOTSTRAP, 1), (SHADOW, 2), (RETRAIN, None), (DecisionKind.SUPERSEDE, 3)))
    assert (state.challenger, state.stage, state.retraining) == (3, SHADOW, None)
    assert (state.rollout_began, state.since) == (day(1), day(3))
    expired = apply(state, decide((DecisionKind.EXPIRE, 3))[0])
    assert (expired.champion, expired.challenger, expired.stage, expired.rollout_began) == (1, None, None, None)
    assert replace(apply(expired, decide((DecisionKind.EXPIRE, 3))[0]), generation=5) == replace(expired, generation=5)


def test_the_slower_of_two_writers_writes_nothing(tmp_path):
    first, second = decide((BOOTSTRAP, 1), (PROMOTE, 2))
    one, other = Lake(tmp_path), Lake(tmp_path)
    assert read_decisions(one) == read_decisions(other) == []
    assert write_decision(one, first, earlier=0)
    assert not write_decision(other, second, earlier=0)
    assert write_decision(other, second, earlier=1)
    assert not write_decision(one, first, earlier=1)
    assert read_decisions(one) == read_decisions(other) == [first, second]


def test_a_decision_as_json_holds_plain_data():
    decision = decide((PROMOTE, 2))[0]
    assert decision.as_dict() == {
        "at": "2013-03-01T05:00:00+00:00",
        "what": "promote",
        "version": 2,
        "rule": "rule",
        "reason": "reason",
        "by": "loop",
        "evidence": {},
    }


def state_after(*steps: tuple[DecisionKind, int | None, dict[str, object]], rule: str = "rule") -> RolloutState:
    """The state after version 1, then 2 and then 3 became champion, and one decision a day; the last by `rule`."""
    made = decide((BOOTSTRAP, 1), (PROMOTE, 2), (PROMOTE, 3), *((what, version) for what, version, _ in steps))
    made[3:] = [replace(item, evidence=step[2]) for item, step in zip(made[3:], steps, strict=True)]
    made[-1] = replace(made[-1], rule=rule)
    return fold(made)


AB_START, AB_STOP, SPLIT = DecisionKind.AB_START, DecisionKind.AB_STOP, DecisionKind.SPLIT
STARTED = (AB_START, None, {"arms": {"2": 0.25, "1": 0.5}})


def test_an_ab_test_has_its_arms_until_it_is_stopped():
    state = state_after(STARTED)
    assert (state.arms, state.arms_since) == (((1, 0.5), (2, 0.25)), day(3)), "in the order of versions, as when read"
    assert state_after(STARTED, (SHADOW, 4, {})).arms_since == day(3)
    stopped = state_after(STARTED, (AB_STOP, None, {}))
    assert (stopped.arms, stopped.arms_since, stopped.champion) == ((), None, 3)


def test_a_winner_is_the_champion_and_ends_the_test():
    state = state_after(STARTED, (PROMOTE, 1, {}), rule=AB_WINNER)
    assert (state.champion, state.previous, state.arms, state.arms_since) == (1, (1, 2, 3), (), None)


def test_another_champion_is_another_comparison():
    promoted = state_after(STARTED, (PROMOTE, 4, {}))
    assert (promoted.arms, promoted.arms_since) == (((1, 0.5), (2, 0.25)), day(4))
    back = state_after(STARTED, (ROLL_BACK, 2, {}))
    assert (back.champion, back.arms, back.arms_since) == (2, ((1, 0.5),), day(4)), "the champion is no arm"
    assert state_after(STARTED, (SHADOW, 4, {}), (ROLL_BACK, 4, {})).arms_since == day(3), "the champion stayed"


def test_a_split_of_an_older_release_is_an_ab_test_too():
    one = (SPLIT, 1, {"share": 0.25})
    assert (state_after(one).arms, state_after(one).arms_since) == (((1, 0.25),), day(3))
    two = state_after(one, (SPLIT, 2, {"share": 0.5}))
    assert (two.arms, two.arms_since) == (((1, 0.25), (2, 0.5)), day(4)), "other arms, another comparison"
    ended = state_after(one, (SPLIT, 1, {"share": 0.0}))
    assert (ended.arms, ended.arms_since) == ((), None)
