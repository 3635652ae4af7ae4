"""Gate: better than a linear model on the same inputs, or it is told."""

from dataclasses import replace

import polars as pl
import pytest

from mlops_lab.gates.baseline import check_baseline
from mlops_lab.training.baseline import Baseline


def strict(trial):
    gates = replace_struct(trial.project.settings.gates, must_beat_baseline=True)
    return replace(trial, project=replace(trial.project, settings=replace_struct(trial.project.settings, gates=gates)))


def replace_struct(struct, **changes):
    return type(struct)(**{name: getattr(struct, name) for name in struct.__struct_fields__} | changes)


def better_by(trial, shift: float) -> pl.Series:
    """The baseline's answers, each a little nearer to the truth."""
    truth = trial.training.holdout_truth
    return trial.baseline.output * (1 - shift) + truth * shift


def test_a_better_model_passes_and_the_baseline_is_named(make_trial):
    trial = make_trial()
    verdict = check_baseline(make_trial(candidate_output=better_by(trial, 0.2)))
    assert verdict.passed
    assert verdict.reason.startswith("a logistic regression gets 0.")
    assert verdict.evidence["p_value"] < 0.05
    assert verdict.evidence["gain"] > 0
    expected = trial.task.losses(trial.training.holdout_truth, trial.baseline.output).mean()
    assert verdict.evidence["log_loss"] == pytest.approx(expected)
    assert f"{expected:.4f}" in verdict.reason


@pytest.mark.parametrize("shift", [0.0, -0.1])
def test_one_that_is_no_better_passes_with_a_warning(make_trial, shift):
    trial = make_trial()
    verdict = check_baseline(make_trial(candidate_output=better_by(trial, shift).clip(0, 1)))
    assert verdict.passed
    assert verdict.reason.startswith("warning: no better than a logistic regression")


def test_one_that_may_be_better_by_chance_is_warned_of_too(make_trial):
    trial = make_trial()
    days = trial.blocks.unique().sort()
    lucky = trial.blocks.is_in(days[:1].implode())
    output = pl.select(pl.when(lucky).then(better_by(trial, 0.2)).otherwise(trial.baseline.output)).to_series()
    verdict = check_baseline(make_trial(candidate_output=output))
    assert verdict.evidence["gain"] > 0
    assert verdict.reason.startswith("warning: no better beyond chance than")


def test_and_is_refused_where_the_project_says_so(make_trial):
    trial = strict(make_trial())
    verdict = check_baseline(replace(trial, candidate_output=trial.baseline.output))
    assert not verdict.passed
    assert verdict.reason.startswith("no better than a logistic regression")
    assert check_baseline(replace(trial, candidate_output=better_by(trial, 0.2))).passed


def test_a_single_day_proves_nothing(make_trial):
    trial = make_trial()
    one_day = pl.Series([trial.blocks[0]] * len(trial.blocks))
    verdict = check_baseline(make_trial(candidate_output=better_by(trial, 0.2), blocks=one_day))
    assert verdict.reason.startswith("warning")


def test_without_rows_there_is_nothing_to_say(make_trial):
    trial = make_trial()
    empty = replace(trial.training, holdout_truth=trial.training.holdout_truth.clear())
    nothing = Baseline("the base rate", trial.baseline.output.clear())
    verdict = check_baseline(
        make_trial(training=empty, baseline=nothing, candidate_output=trial.candidate_output.clear())
    )
    assert verdict.passed
    assert "no held-out rows" in verdict.reason
