"""What every gate in `gates.run.GATES` must keep. A failure here says what a new gate lacks."""

import math
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.gates import run
from mlops_lab.gates.base import Gate, GateInput, GateVerdict, summarise
from mlops_lab.gates.run import GATES, run_gates
from mlops_lab.training.baseline import Baseline

every_gate = pytest.mark.parametrize("gate", GATES, ids=[gate.name for gate in GATES])


def no_champion(gate_input: GateInput) -> GateInput:
    """The input for a first version."""
    nothing = pl.Series("output", [None] * len(gate_input.blocks), dtype=pl.Float64)
    return replace(gate_input, champion_version=None, champion_output=nothing)


def no_holdout(gate_input: GateInput) -> GateInput:
    """The input where no row was held out."""
    training = replace(
        gate_input.training,
        holdout=gate_input.training.holdout.clear(),
        holdout_inputs=gate_input.training.holdout_inputs.clear(),
        holdout_truth=gate_input.training.holdout_truth.clear(),
    )
    return replace(
        gate_input,
        training=training,
        blocks=gate_input.blocks.clear(),
        candidate_output=gate_input.candidate_output.clear(),
        baseline=Baseline("the base rate", gate_input.baseline.output.clear()),
        champion_output=gate_input.champion_output.clear(),
    )


def with_nan(gate_input: GateInput, rows: list[int]) -> GateInput:
    """The input of a candidate that answers NaN to some rows."""
    output = gate_input.candidate_output.clone()
    for row in rows:
        output[row] = math.nan
    return replace(gate_input, candidate_output=output)


SITUATIONS = {
    "a good candidate": lambda gate_input: gate_input,
    "a first version": no_champion,
    "an empty hold-out": no_holdout,
    "an empty hold-out of a first version": lambda gate_input: no_holdout(no_champion(gate_input)),
    "one answer is NaN": lambda gate_input: with_nan(gate_input, [7]),
    "all answers are NaN": lambda gate_input: with_nan(gate_input, list(range(len(gate_input.blocks)))),
    "no better than the champion": lambda gate_input: replace(gate_input, candidate_output=gate_input.champion_output),
}
in_every_situation = pytest.mark.parametrize("situation", SITUATIONS)


def contents(gate_input: GateInput) -> list[pl.DataFrame | pl.Series]:
    """Copies of all columns that a gate can see."""
    training = gate_input.training
    frames = [training.holdout, training.holdout_inputs, training.inputs]
    columns = [training.holdout_truth, training.truth, gate_input.blocks, gate_input.candidate_output]
    columns += [gate_input.champion_output, gate_input.baseline.output]
    return [part.clone() for part in (*frames, *columns)]


def test_names_are_unique():
    names = [gate.name for gate in GATES]
    assert len(set(names)) == len(names), "the name is the rule of a refusal: two gates must not share it"


@every_gate
@in_every_situation
def test_a_verdict_names_its_gate_and_says_why(make_gate_input, gate: Gate, situation: str):
    verdict = gate.check(SITUATIONS[situation](make_gate_input()))
    assert isinstance(verdict, GateVerdict)
    assert verdict.gate == gate.name, "the verdict must carry the name of the Gate record"
    assert isinstance(verdict.passed, bool)
    assert len(verdict.reason.split()) >= 3, f"a reason in words, not {verdict.reason!r}"
    assert verdict.reason == verdict.reason.strip()
    assert not verdict.reason.endswith("."), "reasons are joined by semicolons"


@every_gate
@in_every_situation
def test_evidence_is_finite_numbers(make_gate_input, gate: Gate, situation: str):
    verdict = gate.check(SITUATIONS[situation](make_gate_input()))
    for name, value in verdict.evidence.items():
        assert name.isidentifier(), f"{name!r} becomes the metric {gate.name}.{name} in MLflow"
        assert type(value) is float, f"{name} is a {type(value).__name__}"
        assert math.isfinite(value), f"{name} is {value}: use `finite`, JSON has no such number"


@every_gate
@in_every_situation
def test_a_gate_is_a_pure_function(make_gate_input, gate: Gate, situation: str):
    gate_input = SITUATIONS[situation](make_gate_input())
    before = contents(gate_input)
    first, second = gate.check(gate_input), gate.check(gate_input)
    assert first == second, "the same input must give the same verdict: no clock, no randomness"
    after = contents(gate_input)
    assert all(one.equals(other) for one, other in zip(before, after, strict=True)), "the input must stay as it was"


@pytest.mark.parametrize("situation", ["a good candidate", "a first version"])
def test_the_good_candidate_passes_every_gate(make_gate_input, situation: str):
    verdicts = run_gates(SITUATIONS[situation](make_gate_input()))
    assert [verdict.gate for verdict in verdicts] == [gate.name for gate in GATES]
    assert all(verdict.passed for verdict in verdicts), summarise(verdicts)[1]


@examples(10)
@given(st.data())
def test_a_candidate_with_nan_answers_is_never_passed(make_gate_input, data):
    gate_input = make_gate_input()
    rows = data.draw(st.lists(st.integers(0, len(gate_input.blocks) - 1), min_size=1, max_size=5))
    for situation in (gate_input, no_champion(gate_input)):
        passed, reason = summarise(run_gates(with_nan(situation, rows)))
        assert not passed, reason


def check_too_sure(gate_input: GateInput) -> GateVerdict:
    """Passed if no answer is nearer to 0 or 1 than 1 %."""
    output = gate_input.candidate_output
    sure = int(((output < 0.01) | (output > 0.99)).sum())
    reason = f"{sure} of {len(output)} answers are nearer to 0 or 1 than 1 %"
    return GateVerdict("too_sure", sure == 0, reason, {"sure": float(sure)})


TOO_SURE = Gate("too_sure", check_too_sure)


def test_one_more_gate_is_one_file_and_one_entry_in_the_list(make_gate_input, monkeypatch):
    monkeypatch.setattr(run, "GATES", (*GATES, TOO_SURE))
    gate_input = make_gate_input()
    output = gate_input.candidate_output
    timid, sure = output.clip(0.01, 0.99), output.clone()
    sure[3] = 0.999
    assert summarise(run_gates(replace(gate_input, candidate_output=sure)))[0] is False
    assert "1 of" in run_gates(replace(gate_input, candidate_output=sure))[-1].reason
    assert run_gates(replace(gate_input, candidate_output=timid))[-1] == TOO_SURE.check(
        replace(gate_input, candidate_output=timid)
    )
    assert run_gates(replace(gate_input, candidate_output=timid))[-1].passed
