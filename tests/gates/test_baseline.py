"""Gate: better than a linear model on the same inputs, or the verdict warns."""

from dataclasses import replace

import polars as pl
import pytest

from mlops_lab.gates.baseline import check_baseline
from mlops_lab.training.baseline import Baseline


def strict(gate_input):
    gates = replace_struct(gate_input.project.settings.gates, must_beat_baseline=True)
    return replace(
        gate_input,
        project=replace(gate_input.project, settings=replace_struct(gate_input.project.settings, gates=gates)),
    )


def replace_struct(struct, **changes):
    return type(struct)(**{name: getattr(struct, name) for name in struct.__struct_fields__} | changes)


def better_by(gate_input, shift: float) -> pl.Series:
    """The baseline's answers, each a little nearer to the truth."""
    truth = gate_input.training.holdout_truth
    return gate_input.baseline.output * (1 - shift) + truth * shift


def test_a_better_model_passes_and_the_baseline_is_named(make_gate_input):
    gate_input = make_gate_input()
    verdict = check_baseline(make_gate_input(candidate_output=better_by(gate_input, 0.2)))
    assert verdict.passed
    assert verdict.reason.startswith("a logistic regression gets 0.")
    assert verdict.evidence["p_value"] < 0.05
    assert verdict.evidence["gain"] > 0
    expected = gate_input.task.losses(gate_input.training.holdout_truth, gate_input.baseline.output).mean()
    assert verdict.evidence["log_loss"] == pytest.approx(expected)
    assert f"{expected:.4f}" in verdict.reason


@pytest.mark.parametrize("shift", [0.0, -0.1])
def test_one_that_is_no_better_passes_with_a_warning(make_gate_input, shift):
    gate_input = make_gate_input()
    verdict = check_baseline(make_gate_input(candidate_output=better_by(gate_input, shift).clip(0, 1)))
    assert verdict.passed
    assert verdict.reason.startswith("warning: no better than a logistic regression")


def test_a_candidate_that_is_itself_a_linear_model_is_told_to_be_as_simple(make_gate_input):
    gate_input = make_gate_input()
    alike = check_baseline(make_gate_input(candidate_output=gate_input.baseline.output * 0.999))
    assert alike.reason.endswith("and answers nearly the same: it is as simple")
    other = check_baseline(make_gate_input(candidate_output=gate_input.baseline.output * 0.5))
    assert "as simple" not in other.reason


def test_one_that_may_be_better_by_chance_is_warned_of_too(make_gate_input):
    gate_input = make_gate_input()
    days = gate_input.blocks.unique().sort()
    lucky = gate_input.blocks.is_in(days[:1].implode())
    output = pl.select(
        pl.when(lucky).then(better_by(gate_input, 0.2)).otherwise(gate_input.baseline.output)
    ).to_series()
    verdict = check_baseline(make_gate_input(candidate_output=output))
    assert verdict.evidence["gain"] > 0
    assert verdict.reason.startswith("warning: no better beyond chance than")


def test_and_is_refused_where_the_project_says_so(make_gate_input):
    gate_input = strict(make_gate_input())
    verdict = check_baseline(replace(gate_input, candidate_output=gate_input.baseline.output))
    assert not verdict.passed
    assert verdict.reason.startswith("no better than a logistic regression")
    assert check_baseline(replace(gate_input, candidate_output=better_by(gate_input, 0.2))).passed


def test_a_single_day_proves_nothing(make_gate_input):
    gate_input = make_gate_input()
    one_day = pl.Series([gate_input.blocks[0]] * len(gate_input.blocks))
    verdict = check_baseline(make_gate_input(candidate_output=better_by(gate_input, 0.2), blocks=one_day))
    assert verdict.reason.startswith("warning")


def test_without_rows_there_is_nothing_to_say(make_gate_input):
    gate_input = make_gate_input()
    empty = replace(gate_input.training, holdout_truth=gate_input.training.holdout_truth.clear())
    nothing = Baseline("the base rate", gate_input.baseline.output.clear())
    verdict = check_baseline(
        make_gate_input(training=empty, baseline=nothing, candidate_output=gate_input.candidate_output.clear())
    )
    assert verdict.passed
    assert "no held-out rows" in verdict.reason
