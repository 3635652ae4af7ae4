from datetime import UTC, datetime, timedelta

from mlops_lab.drills.span import find_false_actions
from mlops_lab.rollout.decisions import Decision, DecisionKind

AT = datetime(2024, 1, 1, tzinfo=UTC)


def decision(what: DecisionKind, rule: str, day: int = 0) -> Decision:
    return Decision(AT + timedelta(days=day), what, None, rule, "a reason", "loop")


def test_decisions_that_the_twin_took_on_another_day_are_not_false() -> None:
    twin = [decision(DecisionKind.RETRAIN, "triggers.every_days", 3)]
    played = [decision(DecisionKind.RETRAIN, "triggers.every_days", 5)]
    assert find_false_actions(twin, played, right=frozenset()) == []


def test_more_of_them_or_by_another_rule_are_false() -> None:
    twin = [decision(DecisionKind.RETRAIN, "triggers.every_days")]
    played = [*twin, decision(DecisionKind.RETRAIN, "triggers.every_days", 7), decision(DecisionKind.RETRAIN, "drift")]
    wrong = ["retrain (triggers.every_days)", "retrain (drift)"]
    assert find_false_actions(twin, played, right=frozenset()) == wrong


def test_the_right_answers_to_a_fault_are_not_false() -> None:
    played = [decision(DecisionKind.CLOCK, "clock"), decision(DecisionKind.ROLL_BACK, "guardrails.max_errors")]
    assert find_false_actions([], played, right=frozenset({DecisionKind.CLOCK})) == [
        "roll_back (guardrails.max_errors)"
    ]
