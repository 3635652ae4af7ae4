"""Gate: better than saying the base rate, and not far off on average."""

from dataclasses import replace

import polars as pl
import pytest

from mlops_lab.gates.sanity import check_sanity


def outputs(gate_input, *, late: float, in_time: float) -> pl.Series:
    truth = gate_input.training.holdout_truth
    return pl.Series("output", [late if happened else in_time for happened in truth])


def test_the_small_model_passes(make_gate_input):
    verdict = check_sanity(make_gate_input())
    assert verdict.passed
    assert verdict.evidence["log_loss"] < verdict.evidence["baseline_log_loss"]


def test_the_base_rate_itself_is_refused(make_gate_input):
    gate_input = make_gate_input()
    verdict = check_sanity(make_gate_input(candidate_output=gate_input.champion_output))
    assert not verdict.passed
    assert "no better than the base rate" in verdict.reason


def test_worse_than_the_base_rate_is_refused(make_gate_input):
    verdict = check_sanity(make_gate_input(candidate_output=outputs(make_gate_input(), late=0.1, in_time=0.9)))
    assert not verdict.passed


def test_good_order_far_off_on_average_is_refused(make_gate_input):
    """It tells late from in time, but says too little of all: half the distance of a perfect answer."""
    gate_input = make_gate_input()
    rate = float(gate_input.training.holdout_truth.mean())
    verdict = check_sanity(make_gate_input(candidate_output=outputs(gate_input, late=0.5, in_time=0.01)))
    assert rate > 0.25
    assert not verdict.passed
    assert "off by" in verdict.reason
    assert verdict.evidence["calibration_gap"] > gate_input.project.settings.gates.max_calibration_gap


def test_no_rows_to_test_on_is_refused(make_gate_input):
    gate_input = make_gate_input()
    empty = replace(gate_input.training, holdout_truth=gate_input.training.holdout_truth.clear())
    verdict = check_sanity(make_gate_input(training=empty, candidate_output=gate_input.candidate_output.clear()))
    assert not verdict.passed


@pytest.mark.parametrize("row", [0, 100])
def test_an_answer_without_a_number_is_refused(make_gate_input, row):
    output = make_gate_input().candidate_output.clone()
    output[row] = float("nan")
    assert not check_sanity(make_gate_input(candidate_output=output)).passed


def test_on_few_rows_chance_is_allowed_for(make_gate_input):
    """A dozen rows of a good model may be off by more than the limit; hundreds may not."""
    gate_input = make_gate_input()
    sure = outputs(gate_input, late=0.75, in_time=0.25)  # the truth is off by far more than these are
    few = [index for index, late in enumerate(gate_input.training.holdout_truth) if late][:12]
    few += [index for index, late in enumerate(gate_input.training.holdout_truth) if not late][:2]
    held = replace(gate_input.training, holdout_truth=gate_input.training.holdout_truth.gather(few))
    verdict = check_sanity(make_gate_input(training=held, candidate_output=sure.gather(few)))
    assert verdict.evidence["calibration_gap"] > gate_input.project.settings.gates.max_calibration_gap
    assert verdict.passed
