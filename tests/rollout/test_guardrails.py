"""Guardrails: each sees one thing, says what it saw, and keeps quiet where it saw too little."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.project.sections import GuardrailsSection
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.rollout.guardrails import GUARDRAILS, check_guardrails
from mlops_lab.serving.answering.trials import Trial
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression

SEEN = [
    ("max_errors", {"asked": 200, "failed": 3}, "it failed with an error at 3 of 200 requests; 1.00% are allowed"),
    (
        "max_refused",
        {"asked": 1000, "unanswered": 21},
        "it had no answer to 21 of 1,000 requests that the champion answered; 2.00% are allowed",
    ),
    (
        "max_missing",
        {"asked": 200, "looked_up": 200, "missing": 40, "missing_before": 20},
        "its views had no values for 20.0% of 200 requests, those of the champion for 10.0%; 5.0% more are allowed",
    ),
    (
        "max_score_ms",
        {"asked": 100, "timed": 100, "seconds": 6.0},
        "it took 60 ms on average to score 100 requests; 50 ms are allowed",
    ),
    (
        "max_output_shift",
        {"asked": 100, "compared": 100, "outputs": [60.0], "outputs_before": [30.0]},
        "its answers are 0.6 on average, those of the champion 0.3, on the same 100 requests; 0.25 apart are allowed",
    ),
]


@pytest.mark.parametrize(("name", "counts", "text"), SEEN)
def test_a_guardrail_says_what_it_saw(tiny, name, counts, text):
    step = check_guardrails(tiny.project, Trial(**counts), task=Binary())
    assert step is not None
    assert (step.what, step.rule, step.reason) == (DecisionKind.ROLL_BACK, f"guardrails.{name}", text)
    assert step.evidence["value"] > step.evidence["limit"] == getattr(GuardrailsSection(), name)


@pytest.mark.parametrize(("name", "counts", "text"), SEEN)
def test_a_limit_can_be_set_and_few_requests_prove_nothing(tiny, name, counts, text):
    del text

    def check(**limits: object) -> object:
        settings = msgspec.structs.replace(tiny.project.settings, guardrails=GuardrailsSection(**limits))
        return check_guardrails(replace(tiny.project, settings=settings), Trial(**counts), task=Binary())

    assert check(**{name: 1.0 if name != "max_score_ms" else 60.0}) is None
    assert check(min_requests=counts["asked"] + 1) is None


def test_other_answers_are_no_reason_where_outcomes_show_that_they_are_better(tiny):
    """The world has changed: the champion is wrong, and the challenger answers otherwise."""
    shifted = Trial(asked=100, compared=100, outputs=[60.0], outputs_before=[30.0])
    assert check_guardrails(tiny.project, shifted, task=Binary(), is_known_better=True) is None
    failing = Trial(asked=1000, failed=500)
    assert check_guardrails(tiny.project, failing, task=Binary(), is_known_better=True) is not None


def test_every_guardrail_has_a_limit_of_its_own():
    limits = {guardrail.rule.removeprefix("guardrails.") for guardrail in GUARDRAILS}
    assert limits | {"min_requests"} == {*GuardrailsSection.__struct_fields__}
    assert {name for name, *_ in SEEN} == limits


@pytest.mark.parametrize(
    ("task", "outputs", "before", "words"),
    [
        (Regression(scale=10.0), [1000.0], [800.0], None),  # 0.2 standard deviations
        (Regression(scale=10.0), [1100.0], [800.0], "its answers are 1.1 on average"),
        (Multiclass(("a", "b", "new")), [60.0, 40.0], [30.0, 70.0], "its answers for a are 0.6 on average"),
        (Multiclass(("a", "b")), [50.0, 50.0], [30.0, 70.0], None),
    ],
)
def test_outputs_of_every_task_are_compared(tiny, task: Task, outputs, before, words):
    trial = Trial(asked=100, compared=100, outputs=outputs, outputs_before=before)
    step = check_guardrails(tiny.project, trial, task=task)
    assert (step is None) == (words is None)
    if step is not None:
        assert step.reason.startswith(words)


counts = st.integers(0, 10_000)


@given(st.builds(Trial, asked=counts), st.floats(0, 1))
def test_a_version_that_does_nothing_wrong_is_never_stopped(tiny, trial, mean):
    n = trial.asked
    good = Trial(asked=n, timed=n, seconds=n * 0.04, looked_up=n, missing=n, missing_before=n, compared=n)
    good.outputs = good.outputs_before = [mean * n] if n else []
    assert check_guardrails(tiny.project, good, task=Binary()) is None
    broken = Trial(asked=n, failed=n)
    assert (check_guardrails(tiny.project, broken, task=Binary()) is None) == (n < 100)
