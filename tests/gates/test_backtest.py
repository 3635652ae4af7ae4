"""Gate: better than the champion on the same unseen days, beyond chance."""

from dataclasses import replace

import msgspec
import numpy as np
import polars as pl
import pytest

from mlops_lab.gates.backtest import check_backtest


def test_a_model_beats_the_base_rate(make_gate_input):
    verdict = check_backtest(make_gate_input())
    assert verdict.passed
    assert verdict.evidence["days"] == 14
    assert verdict.evidence["gain"] > 0
    assert verdict.evidence["p_value"] < 0.05
    assert "better than version 1 over 14 unseen days" in verdict.reason


def test_the_first_version_has_nobody_to_beat(make_gate_input):
    nothing = pl.Series("output", [None] * len(make_gate_input().blocks), dtype=pl.Float64)
    assert check_backtest(make_gate_input(champion_version=None, champion_output=nothing)).passed


def test_an_identical_model_is_refused(make_gate_input):
    verdict = check_backtest(make_gate_input(champion_output=make_gate_input().candidate_output))
    assert not verdict.passed
    assert verdict.evidence["p_value"] == 1.0
    assert "not better beyond chance" in verdict.reason


def test_a_worse_model_is_refused(make_gate_input):
    gate_input = make_gate_input()
    verdict = check_backtest(
        make_gate_input(candidate_output=gate_input.champion_output, champion_output=gate_input.candidate_output)
    )
    assert not verdict.passed
    assert "a day worse" in verdict.reason


@pytest.mark.parametrize(("unseen", "passed"), [(6, False), (7, True)])
def test_only_days_that_the_champion_has_not_seen_count(make_gate_input, unseen, passed):
    """Its answers are null where it has learned from the row; 7 days are needed."""
    gate_input = make_gate_input()
    seen = np.isin(gate_input.blocks, gate_input.blocks.unique().sort().head(14 - unseen))
    partly = gate_input.champion_output.set(pl.Series(seen), None)
    verdict = check_backtest(make_gate_input(champion_output=partly))
    assert verdict.evidence["days"] == unseen
    assert verdict.passed == passed


def test_a_day_of_few_rows_counts_as_a_day_and_not_as_much_as_a_whole_one(make_gate_input):
    gate_input = make_gate_input()
    blocks, days = gate_input.blocks, gate_input.blocks.unique().sort()
    first_of_last = pl.Series(np.arange(len(blocks)) == np.flatnonzero(blocks == days[-1])[0])
    is_unseen = blocks.is_in(days[-7:-1].implode()) | first_of_last
    known = gate_input.champion_output.set(~is_unseen, None)
    perfect = pl.select(
        pl.when(first_of_last).then(gate_input.training.holdout_truth.cast(pl.Float64)).otherwise(known)
    )
    verdict = check_backtest(make_gate_input(champion_output=perfect.to_series().alias("output")))
    assert (verdict.passed, verdict.evidence["days"]) == (True, 7)


def test_a_champion_that_has_seen_all_leaves_nothing_to_compare(make_gate_input):
    nothing = pl.Series("output", [None] * len(make_gate_input().blocks), dtype=pl.Float64)
    verdict = check_backtest(make_gate_input(champion_output=nothing))
    assert not verdict.passed
    assert verdict.evidence["days"] == 0


@pytest.mark.parametrize("side", ["candidate_output", "champion_output"])
def test_an_answer_without_a_number_is_refused(make_gate_input, side):
    output = getattr(make_gate_input(), side).clone()
    output[50] = float("nan")
    assert not check_backtest(make_gate_input(**{side: output})).passed


def test_a_gain_of_a_single_day_is_chance(make_gate_input):
    gate_input = make_gate_input()
    last = gate_input.blocks == gate_input.blocks.max()
    lucky = gate_input.champion_output.zip_with(~last, gate_input.candidate_output)
    verdict = check_backtest(make_gate_input(candidate_output=lucky))
    assert verdict.evidence["gain"] > 0
    assert not verdict.passed


def proving(tiny):
    """The project, whose candidates prove themselves in the rollout."""
    rollout = msgspec.structs.replace(tiny.project.settings.rollout, prove="better")
    return replace(tiny.project, settings=msgspec.structs.replace(tiny.project.settings, rollout=rollout))


def test_what_the_rollout_proves_need_not_be_proved_before(make_gate_input, tiny):
    same = make_gate_input(project=proving(tiny), champion_output=make_gate_input().candidate_output)
    assert "answers like version 1" in check_backtest(same).reason
    assert check_backtest(same).passed
    seen = pl.Series("output", [None] * len(same.blocks), dtype=pl.Float64)
    verdict = check_backtest(make_gate_input(project=proving(tiny), champion_output=seen))
    assert verdict.passed
    assert verdict.evidence["days"] == 0


@pytest.mark.parametrize("is_number", [True, False])
def test_but_what_is_worse_beyond_chance_does_not_begin(make_gate_input, tiny, is_number):
    gate_input = make_gate_input()
    worse = gate_input.champion_output if is_number else gate_input.champion_output.set(gate_input.unseen, float("nan"))
    verdict = check_backtest(
        make_gate_input(project=proving(tiny), candidate_output=worse, champion_output=gate_input.candidate_output)
    )
    assert not verdict.passed
    assert "worse beyond chance" in verdict.reason
