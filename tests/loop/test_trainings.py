"""What the decisions tell about trainings and the champion."""

from datetime import UTC, datetime, timedelta

from mlops_lab.loop.trainings import read_champion, read_trainings
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.regression import Regression

START = datetime(2013, 3, 1, tzinfo=UTC)


def decided(day: int, what: DecisionKind, version: int | None = None, rule: str = "gates", **evidence) -> Decision:
    return Decision(START + timedelta(days=day), what, version, rule, "", "loop", evidence)


def sanity(**figures: float) -> list[dict]:
    return [{"gate": "contract", "evidence": {}}, {"gate": "sanity", "evidence": figures}]


FIRST = [decided(0, DecisionKind.RETRAIN), decided(0, DecisionKind.BOOTSTRAP, 1, gates=sanity(log_loss=0.4))]
REFUSED = decided(30, DecisionKind.REFUSE, rule="triggers.budget")


def test_every_training_counts_whoever_started_it():
    asked = decided(20, DecisionKind.RETRAIN, rule="asked")
    found = read_trainings([*FIRST, asked, decided(20, DecisionKind.REFUSE, 2)])
    assert found.began == (START, START + timedelta(days=20))
    assert found.refused_by == frozenset()


def test_a_refused_trigger_is_remembered_until_the_next_training():
    assert read_trainings([*FIRST, REFUSED]).refused_by == {"triggers.budget"}
    again = decided(40, DecisionKind.RETRAIN)
    assert read_trainings([*FIRST, REFUSED, again]).refused_by == frozenset()


def test_a_refused_trigger_is_no_training():
    state, before = fold([*FIRST, REFUSED]), fold(FIRST)
    assert (state.last_retrain, state.retraining, state.champion) == (before.last_retrain, None, 1)


def test_a_refused_trigger_leaves_the_rollout_under_way_alone():
    rollout = [*FIRST, decided(28, DecisionKind.RETRAIN), decided(28, DecisionKind.SHADOW, 2)]
    state = fold([*rollout, REFUSED])
    assert (state.challenger, state.stage, state.last_retrain) == (2, DecisionKind.SHADOW, START + timedelta(days=28))


def test_a_clock_that_was_ahead_spends_no_budget_of_the_future():
    clock = decided(5, DecisionKind.CLOCK, rule="clock")
    assert read_trainings([*FIRST, decided(400, DecisionKind.RETRAIN), clock]).began[-1] == clock.at


def test_the_champion_is_recorded_as_it_was_accepted():
    shadow = decided(28, DecisionKind.SHADOW, 2, gates=sanity(log_loss=0.3), importances={"amount": 0.05})
    decisions = [*FIRST, shadow, decided(40, DecisionKind.PROMOTE, 2)]
    record = read_champion(decisions, 2, Binary())
    assert record is not None
    assert (record.since, record.loss, record.importances) == (START + timedelta(days=40), 0.3, {"amount": 0.05})
    back = [*decisions, decided(50, DecisionKind.ROLL_BACK, 1)]
    record = read_champion(back, 1, Binary())
    assert record is not None
    assert (record.since, record.loss, record.importances) == (START + timedelta(days=50), 0.4, {})


def test_what_was_not_recorded_is_none():
    assert read_champion([], 1, Binary()) is None
    record = read_champion(FIRST, 1, Regression())
    assert record is not None
    assert record.loss is None
