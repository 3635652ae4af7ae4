"""Gate: no group gets noticeably worse answers."""

import polars as pl
import pytest

from mlops_lab.gates.slices import check_slices
from mlops_lab.project import load_project


def spoiled(gate_input, shop: str, *, by: float) -> pl.Series:
    """The champion's answers, moved away from the truth by `by` for the rows of one shop."""
    truth = gate_input.training.holdout_truth.cast(pl.Float64)
    wrong = gate_input.champion_output - by * (2 * truth - 1)
    return gate_input.champion_output.zip_with(gate_input.training.holdout["shop"] != shop, wrong)


def test_an_equal_candidate_passes(make_gate_input):
    verdict = check_slices(make_gate_input(candidate_output=make_gate_input().champion_output))
    assert verdict.passed
    assert verdict.evidence == {"worst": 0.0, "groups": 3.0}


def test_one_group_that_gets_worse_is_refused_and_named(make_gate_input):
    gate_input = make_gate_input()
    verdict = check_slices(make_gate_input(candidate_output=spoiled(gate_input, "b", by=0.1)))
    assert not verdict.passed
    assert "shop=b" in verdict.reason
    assert verdict.evidence["worst"] > 0.03


def test_a_little_worse_is_allowed(make_gate_input):
    verdict = check_slices(make_gate_input(candidate_output=spoiled(make_gate_input(), "b", by=0.002)))
    assert verdict.passed
    assert 0 < verdict.evidence["worst"] <= 0.03


def test_a_group_too_small_to_tell_is_left_out(make_gate_input, write_project, tmp_path):
    rows = make_gate_input().training.holdout["shop"].value_counts()
    largest, second = rows["count"].sort(descending=True)[:2]
    text = (("slice_min_rows = 50", f"slice_min_rows = {second + 1}"),)
    verdict = check_slices(
        make_gate_input(
            project=write_project(tmp_path, *text), candidate_output=spoiled(make_gate_input(), "c", by=0.3)
        )
    )
    assert largest > second
    assert verdict.passed
    assert verdict.evidence["groups"] == 1


def test_groups_are_not_needed(make_gate_input, write_project, tmp_path):
    project = write_project(tmp_path, ('slices = ["shop"]', "slices = []"))
    spoil = spoiled(make_gate_input(), "b", by=0.3)
    assert check_slices(make_gate_input(project=project, candidate_output=spoil)).passed
    assert load_project(tmp_path).settings.gates.slices == []


def test_without_a_champion_there_is_nothing_to_compare(make_gate_input):
    nothing = pl.Series("output", [None] * len(make_gate_input().blocks), dtype=pl.Float64)
    assert check_slices(make_gate_input(champion_version=None, champion_output=nothing)).passed


def test_a_null_is_a_group_too(make_gate_input, write_project, tmp_path):
    project = write_project(tmp_path, ('slices = ["shop"]', 'slices = ["customer", "express"]'))
    gate_input = make_gate_input(project=project, candidate_output=spoiled(make_gate_input(), "b", by=0.3))
    assert not check_slices(gate_input).passed


@pytest.mark.parametrize("side", ["candidate_output", "champion_output"])
def test_an_answer_without_a_number_is_refused(make_gate_input, side):
    output = getattr(make_gate_input(), side).clone()
    output[50] = float("nan")
    assert not check_slices(make_gate_input(**{side: output})).passed
