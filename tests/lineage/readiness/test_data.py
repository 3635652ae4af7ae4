"""The tests about features and data."""

from __future__ import annotations

from datetime import date

import pytest
from readiness_facts import FIRST, NOTHING, decide, lived, make_evidence, make_settings, measure_days, train

from mlops_lab.lineage.readiness.data import (
    check_benefit,
    check_code_of_inputs,
    check_new_inputs,
    check_privacy,
    check_rules_of_inputs,
    check_schema,
)
from mlops_lab.lineage.readiness.repository import Repository, TestFile, Workflow
from mlops_lab.lineage.readiness.rubric import Effort
from mlops_lab.loop.erasures import ERASED, FINISHED, Erasure
from mlops_lab.rollout.decisions import DecisionKind


def test_a_schema_needs_limits_and_two_days_of_counts() -> None:
    whole = check_schema(make_evidence())
    assert (whole.points, whole.on) == (1, date(2026, 3, 3))
    assert whole.evidence == "4 fields have a type, and 1 of them limits; what broke them was counted on 2 days"
    assert check_schema(make_evidence(measurements=measure_days([1]))).points == 0.5
    source = make_settings().source
    plain = dict.fromkeys(source.request, "string") | {"asked_at": "datetime"}
    settings = make_settings(
        source={"table": "orders", "data": "o.csv", "label": "late", "request": plain, "outcome": {"late": "boolean"}}
    )
    without = check_schema(make_evidence(settings=settings))
    assert (without.points, without.mend) == (0.5, None)
    assert "0 of them limits" in without.evidence
    assert check_schema(make_evidence(tables=frozenset())).points == 0
    assert "`mlops up`" in (check_schema(NOTHING).mend or "")


@pytest.mark.parametrize(
    ("importances", "trainings", "points"),
    [
        ({"amount": 0.1, "shop": 0.2}, 2, 1.0),
        ({"amount": 0.1, "shop": 0.2}, 1, 0.5),
        ({"amount": 0.1, "shop": -0.01}, 2, 0.5),
        ({}, 2, 0.0),
    ],
)
def test_each_input_must_help(importances: dict[str, float], trainings: int, points: float) -> None:
    made = [train(day, DecisionKind.SHADOW, day) for day in range(trainings)]
    for decision in made:
        decision.evidence["importances"] = importances
    found = check_benefit(make_evidence(decisions=made))
    assert found.points == points
    if importances.get("shop", 0) < 0:
        assert "1 of 2 inputs do not help, among them shop" in found.evidence


def test_a_warning_about_the_champion_outweighs_that_the_gate_ran() -> None:
    decisions = lived()
    verdict = next(item for item in decisions[3].evidence["gates"] if item["gate"] == "suspicion")
    verdict["reason"] = "warning: this may be too good to be true"
    found = check_rules_of_inputs(make_evidence(decisions=decisions))
    assert (found.points, found.says_no) == (0, True)
    verdict["reason"] = "no log loss is suspiciously small"
    found = check_rules_of_inputs(make_evidence(decisions=decisions))
    assert (found.points, found.on) == (1, date(2026, 3, 21))
    assert "judged 3 candidates" in found.evidence
    once = check_rules_of_inputs(make_evidence(decisions=decisions[:2]))
    assert (once.points, once.effort) == (0.5, Effort.WAIT)


def erase(event: str) -> Erasure:
    return Erasure(erasure="e", at=FIRST, event=event, person="p", by="ada", due=None, rows={}, versions=[])


@pytest.mark.parametrize(
    ("closed", "event", "points"),
    [(False, None, 0), (True, None, 0.5), (False, FINISHED, 0.5), (True, ERASED, 0.5), (True, FINISHED, 1)],
)
def test_privacy_is_a_closed_folder_and_an_erasure_that_ended(closed: bool, event: str | None, points: float) -> None:
    evidence = make_evidence(is_closed_to_others=closed, erasures=[erase(event)] if event else [])
    assert check_privacy(evidence).points == points


def test_a_new_input_must_reach_users_within_a_month() -> None:
    inputs = {1: frozenset({"a"}), 2: frozenset({"a", "b"}), 3: frozenset({"a"})}
    found = check_new_inputs(make_evidence(inputs=inputs))
    assert found.points == 0.5
    assert (
        found.evidence
        == "1 version brought new inputs to users; the last was version 2 with b, 2 days after its training"
    )
    twice = check_new_inputs(make_evidence(inputs=inputs | {3: frozenset({"a", "c"})}))
    assert twice.points == 1
    late = [train(0, DecisionKind.BOOTSTRAP, 1), train(1, DecisionKind.SHADOW, 2), decide(40, DecisionKind.PROMOTE, 2)]
    assert check_new_inputs(make_evidence(inputs={1: inputs[1], 2: inputs[2]}, decisions=late)).points == 0
    back = {1: frozenset({"a", "b"}), 2: frozenset({"a"}), 3: frozenset({"a", "b"})}
    assert check_new_inputs(make_evidence(inputs=back)).points == 0, "b was there before"


def test_tests_count_half_until_a_workflow_runs_them() -> None:
    tests = [TestFile("tests/test_a.py", 2, frozenset({"find_pipeline_problems"}))]
    half = check_code_of_inputs(make_evidence(repository=Repository([], tests)))
    assert (half.points, half.mend) == (0.5, "let a workflow run them: `mlops ci init --provider github`")
    both = Repository([Workflow("ci.yml", ("pytest -q",))], tests)
    assert check_code_of_inputs(make_evidence(repository=both)).points == 1
    others = [TestFile("tests/test_a.py", 2, frozenset({"json"})), TestFile("tests/b.py", 0, frozenset({"pipeline"}))]
    assert check_code_of_inputs(make_evidence(repository=Repository([], others))).points == 0
