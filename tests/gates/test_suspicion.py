"""Gate: a model with hardly an error left is told as a suspicion, with the inputs that tell the most."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from mlops_lab.gates.base import GateInput
from mlops_lab.gates.suspicion import check_suspicion
from mlops_lab.training.baseline import Baseline


def with_input(gate_input: GateInput, **columns: Any) -> GateInput:
    """The input with more columns in the training rows, computed from the truth."""
    training = gate_input.training
    inputs = training.inputs.with_columns(**{name: make(training.truth) for name, make in columns.items()})
    return replace(gate_input, training=replace(training, inputs=inputs))


def nearly_true(gate_input: GateInput) -> pl.Series:
    return gate_input.training.holdout_truth.cast(pl.Float64) * 0.998 + 0.001


def test_an_ordinary_model_is_not_suspected(make_gate_input):
    verdict = check_suspicion(make_gate_input())
    assert verdict.passed
    assert verdict.reason == "no log loss is suspiciously small"
    assert 0 < verdict.evidence["suspicious_below"] < verdict.evidence["loss"]


def test_a_perfect_candidate_warns_and_names_the_input_that_tells(make_gate_input):
    gate_input = make_gate_input(candidate_output=nearly_true(make_gate_input()))
    verdict = check_suspicion(with_input(gate_input, paid=lambda truth: truth * 2.0 + 1))
    assert verdict.passed
    assert verdict.reason.startswith("warning: this may be too good to be true: the candidate gets 0.001 where a")
    assert "the most telling inputs are paid (AUC 1.0000 alone), " in verdict.reason
    assert "known when a prediction is asked for" in verdict.reason


def test_a_perfect_baseline_warns_too_and_a_telling_difference_is_named(make_gate_input):
    gate_input = make_gate_input()
    gate_input = replace(gate_input, baseline=Baseline("a logistic regression", nearly_true(gate_input)))
    noise = pl.Series(range(gate_input.training.inputs.height)).shuffle(seed=1).cast(pl.Float64)
    planted = with_input(gate_input, begun=lambda truth: noise, ended=lambda truth: noise + truth)
    verdict = check_suspicion(planted)
    assert "a logistic regression gets 0.001" in verdict.reason
    assert "begun - ended (AUC 1.0000)" in verdict.reason or "ended - begun (AUC 1.0000)" in verdict.reason


@pytest.mark.parametrize("output", [None, float("nan")])
def test_an_answer_that_is_no_number_is_not_for_this_gate(make_gate_input, output):
    gate_input = make_gate_input()
    broken = pl.Series("output", [output] * len(gate_input.blocks), dtype=pl.Float64)
    assert check_suspicion(replace(gate_input, candidate_output=broken)).passed
