"""Deciding: one decision or none, from the state and the observation alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trigger_days import watching

from mlops_lab.loop.decide import as_made_later, decide
from mlops_lab.loop.observe import Observation, RolloutEvidence
from mlops_lab.loop.trainings import Trainings
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, apply
from mlops_lab.rollout.next_step import MIN_ROWS
from mlops_lab.rollout.proof import NO_DAYS
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.binary import Binary

DAY = timedelta(days=1)


def observe(tiny, *, pairs: int = 0, challenger: float = 0.5, differing: int = 0) -> Observation:
    frame = pl.DataFrame(
        {"truth": [1.0] * pairs, "champion": [0.5] * pairs, "challenger": [challenger] * pairs},
        schema={"truth": pl.Float64, "champion": pl.Float64, "challenger": pl.Float64},
    )
    return Observation(
        tiny.now,
        RolloutEvidence(Binary(), frame, NO_DAYS, differing),
        lambda since: pl.DataFrame(schema=MEASUREMENTS.fixed_schema),
    )


def in_shadow(tiny, *, days: int) -> RolloutState:
    began = tiny.now - days * DAY
    return RolloutState(
        champion=1, challenger=2, stage=DecisionKind.SHADOW, since=began, rollout_began=began, last_retrain=began
    )


def test_a_retraining_under_way_is_left_to_end(tiny):
    asked = Decision(tiny.now, DecisionKind.RETRAIN, None, "asked", "", "me")
    state = RolloutState(champion=1, retraining=asked)
    assert decide(tiny.project, state, observe(tiny), by="loop") is None


def test_without_a_rollout_the_triggers_decide(tiny):
    due = RolloutState(champion=1, last_retrain=tiny.now - 30 * DAY)
    decision = decide(tiny.project, due, observe(tiny), by="loop")
    assert decision is not None
    assert (decision.at, decision.what, decision.version) == (tiny.now, DecisionKind.RETRAIN, None)
    assert (decision.rule, decision.by) == ("triggers.every_days", "loop")
    fresh = RolloutState(champion=1, last_retrain=tiny.now - DAY)
    assert decide(tiny.project, fresh, observe(tiny), by="loop") is None


@pytest.mark.parametrize(
    ("evidence", "kind", "rule"),
    [
        ({"pairs": MIN_ROWS}, DecisionKind.CANARY, "rollout.shadow_days"),
        ({"pairs": MIN_ROWS, "challenger": 0.1}, DecisionKind.ROLL_BACK, "rollout.max_loss"),
        ({"pairs": MIN_ROWS, "differing": 1}, DecisionKind.ROLL_BACK, "rollout.parity"),
    ],
)
def test_a_rollout_takes_its_next_step(tiny, evidence, kind, rule):
    decision = decide(tiny.project, in_shadow(tiny, days=10), observe(tiny, **evidence), by="loop")
    assert decision is not None
    assert (decision.what, decision.rule, decision.version) == (kind, rule, 2)


@pytest.mark.parametrize(("prove", "kind"), [("backtest", None), ("better", DecisionKind.RETRAIN)])
def test_only_a_candidate_that_proves_itself_in_the_rollout_is_replaced_by_a_fresher_one(tiny, prove, kind):
    rollout = msgspec.structs.replace(tiny.project.settings.rollout, prove=prove, shadow_days=90)
    project = replace(tiny.project, settings=msgspec.structs.replace(tiny.project.settings, rollout=rollout))
    decision = decide(project, in_shadow(tiny, days=40), observe(tiny), by="loop")
    assert (decision and decision.what) == kind
    paused = replace(in_shadow(tiny, days=40), is_paused=True)
    assert decide(project, paused, observe(tiny), by="loop") is None


@pytest.mark.parametrize(("evidence", "kind"), [({}, None), ({"challenger": 0.1}, DecisionKind.ROLL_BACK)])
def test_a_paused_rollout_takes_no_step_but_the_one_back(tiny, evidence, kind):
    paused = replace(in_shadow(tiny, days=10), is_paused=True)
    decision = decide(tiny.project, paused, observe(tiny, pairs=MIN_ROWS, **evidence), by="loop")
    assert (decision and decision.what) == kind


@given(st.integers(0, 90), st.integers(0, 100), st.floats(0.01, 0.99), st.integers(0, 1))
def test_deciding_twice_gives_the_same_and_never_trains_during_a_rollout(tiny, days, pairs, challenger, differing):
    state = in_shadow(tiny, days=days)
    observation = observe(tiny, pairs=pairs, challenger=challenger, differing=differing)
    decision = decide(tiny.project, state, observation, by="loop")
    assert decision == decide(tiny.project, state, observation, by="loop")
    assert decision is None or decision.what is not DecisionKind.RETRAIN


@pytest.mark.parametrize(
    ("kind", "is_made"),
    [(DecisionKind.RETRAIN, True), (DecisionKind.ROLL_BACK, True)]
    + [(kind, False) for kind in (DecisionKind.CANARY, DecisionKind.PROMOTE)],
)
def test_what_was_due_on_a_day_without_a_tick_is_made_now_and_says_so(tiny, kind, is_made):
    """A step forward is not made for days that were not lived as canary; a challenger that did harm is taken back."""
    due = datetime(2013, 3, 11, 4, tzinfo=UTC)  # the midnight after 10 March in New York
    decision = Decision(due, kind, 2, "rule", "it is bad", "loop", {"x": 1.0})
    made = as_made_later(decision, due + 5 * DAY, "America/New_York")
    if not is_made:
        assert made is None
        return
    assert made is not None
    assert (made.at, made.what, made.version, made.rule) == (due + 5 * DAY, kind, 2, "rule")
    assert made.reason == "it is bad; due since the end of 2013-03-10, when no tick ran"
    assert made.evidence == {"x": 1.0, "due": "2013-03-11T04:00:00+00:00"}


def test_a_trigger_that_the_budget_refuses_is_told_once(tiny):
    project = watching(tiny.project, budget=1)
    state = RolloutState(champion=1, last_retrain=tiny.now - 30 * DAY)
    before = replace(observe(tiny), trainings=Trainings((tiny.now - 30 * DAY,)))
    decision = decide(project, state, before, by="loop")
    assert decision is not None
    assert (decision.what, decision.rule, decision.version) == (DecisionKind.REFUSE, "triggers.budget", None)
    assert apply(state, decision).last_retrain == state.last_retrain
    told = replace(before, trainings=replace(before.trainings, refused_by=frozenset({decision.rule})))
    assert decide(project, state, told, by="loop") is None
    assert decide(tiny.project, state, told, by="loop") is not None, "without a budget it trains"
