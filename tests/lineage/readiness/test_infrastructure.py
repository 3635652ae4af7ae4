"""The tests about the infrastructure."""

from __future__ import annotations

from datetime import date

import pytest
from readiness_facts import FIRST, decide, lived, make_evidence, make_settings, train

from mlops_lab.lineage.readiness.evidence import Logged
from mlops_lab.lineage.readiness.infrastructure import (
    check_canary,
    check_code_of_model,
    check_debugging,
    check_reproduction,
    check_rollback,
    check_validation,
    check_whole_pipeline,
)
from mlops_lab.lineage.readiness.repository import Repository, TestFile, Workflow
from mlops_lab.lineage.reproduce.notes import ReproductionNote
from mlops_lab.rollout.decisions import Decision, DecisionKind


def note(version: int = 2, *, again: str = "f2", was: str = "f2", on_rest: bool = False) -> ReproductionNote:
    return ReproductionNote(
        version=version,
        at=FIRST,
        by="ada",
        fingerprint=was,
        fingerprint_again=again,
        new_environment=False,
        on_rest=on_rest,
    )


@pytest.mark.parametrize(
    ("notes", "commands", "points", "says_no"),
    [
        ([], (), 0, False),
        ([], ("mlops reproduce 2",), 0.5, False),
        ([note()], (), 0.5, False),
        ([note()], ("mlops reproduce 2 --note",), 1, False),
        ([note(again="other")], ("mlops reproduce 2",), 0, True),
        ([note(again="other", on_rest=True)], (), 0, False),
        ([note(was="made up", again="made up")], (), 0, False),
        ([note(version=99)], (), 0, False),
    ],
)
def test_a_note_counts_where_it_is_of_a_registered_version(
    notes: list[ReproductionNote], commands: tuple[str, ...], points: float, says_no: bool
) -> None:
    repository = Repository([Workflow("ci.yml", commands)])
    found = check_reproduction(make_evidence(reproduced=notes, repository=repository))
    assert (found.points, found.says_no) == (points, says_no)


def test_a_test_of_the_model_uses_the_model() -> None:
    def of(*names: str) -> float:
        tests = [TestFile("tests/test_a.py", 1, frozenset(names))]
        return check_code_of_model(make_evidence(repository=Repository([], tests))).points

    assert (of("model"), of("features")) == (0.5, 0)


def test_a_workflow_that_runs_the_pipeline_is_a_test_of_it() -> None:
    def points(*commands: str) -> float:
        return check_whole_pipeline(make_evidence(repository=Repository([Workflow("ci.yml", commands)]))).points

    assert points("mlops validate --report report.md") == points("mlops run || test $? -eq 1") == 1
    assert points("mlops running", "echo mlops-run") == 0.5, "only the loop ran it"


def test_each_version_that_answered_had_passed_its_gates() -> None:
    found = check_validation(make_evidence())
    assert (found.points, found.evidence) == (1, "3 of 3 versions that answered users had passed all gates before")
    refused = train(24, DecisionKind.REFUSE, 4, sanity={"passed": False})
    found = check_validation(make_evidence(decisions=[*lived(), refused]))
    assert (found.points, "1 candidate did not" in found.evidence) == (1, True)
    forced = [*lived(), refused, decide(25, DecisionKind.PROMOTE, 4)]
    assert check_validation(make_evidence(decisions=forced)).says_no


def test_an_answer_is_on_record_with_all_inputs() -> None:
    found = check_debugging(make_evidence())
    assert (found.points, found.on, found.show) == (1, date(2026, 3, 25), "mlops explain o-2")
    partly = Logged(5, "o-5", date(2026, 3, 25), frozenset({"id", "amount"}))
    found = check_debugging(make_evidence(logged=partly))
    assert (found.points, found.says_no, found.evidence) == (0, True, "the log does not hold shop")
    assert "`mlops up`" in (check_debugging(make_evidence(logged=None)).mend or "")


def promote(*steps: DecisionKind) -> list[Decision]:
    first = [train(0, DecisionKind.BOOTSTRAP, 1)]
    return first + [decide(day, step, 2) for day, step in enumerate([*steps, DecisionKind.PROMOTE], 1)]


@pytest.mark.parametrize(
    ("steps", "points"),
    [((DecisionKind.SHADOW, DecisionKind.CANARY), 1), ((DecisionKind.SHADOW,), 0.5), ((), 0)],
)
def test_a_canary_counts_more_than_a_shadow(steps: tuple[DecisionKind, ...], points: float) -> None:
    assert check_canary(make_evidence(decisions=promote(*steps))).points == points


def test_the_strategy_is_told_before_the_first_promotion() -> None:
    evidence = make_evidence(
        decisions=[train(0, DecisionKind.BOOTSTRAP, 1)], settings=make_settings(rollout={"strategy": "blue_green"})
    )
    assert "blue_green" in check_canary(evidence).evidence


def test_a_rollback_counts_where_users_had_answers_of_the_version() -> None:
    assert check_rollback(make_evidence()).points == 1
    shadow_only = [*lived()[:9], decide(21, DecisionKind.ROLL_BACK, 3)]
    found = check_rollback(make_evidence(decisions=shadow_only))
    assert (found.points, "version 1 is kept ready" in found.evidence) == (0, True)
    by_hand = [*lived()[:7], decide(16, DecisionKind.ROLL_BACK, 1, by="ada")]
    assert check_rollback(make_evidence(decisions=by_hand)).points == 0.5
