"""The loss curves of a candidate's run: the mean of each day, written a second time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from mlops_lab.gates.base import GateInput
from mlops_lab.loop.curves import loss_curves


def test_a_point_for_each_day(make_gate_input: Callable[..., GateInput]) -> None:
    given = make_gate_input()
    losses, firsts = defaultdict(list), {}
    truth, moments = given.training.holdout_truth, given.training.holdout["asked_at"]
    for day, moment, is_late, answer in zip(given.blocks, moments, truth, given.candidate_output, strict=True):
        losses[day].append(-np.log(answer if is_late else 1 - answer))
        firsts[day] = min(firsts.get(day, moment), moment)
    curves = loss_curves(given)
    assert curves["loss"] == [(firsts[day], pytest.approx(np.mean(losses[day]))) for day in sorted(losses)]
    assert len(curves["champion_loss"]) == len(curves["baseline_loss"]) == len(losses)


def test_days_that_the_champion_was_trained_on_have_no_point(make_gate_input: Callable[..., GateInput]) -> None:
    given = make_gate_input()
    days = given.blocks.unique().sort()
    champion = pl.select(pl.when(given.blocks >= days[3]).then(given.champion_output)).to_series()
    curves = loss_curves(make_gate_input(champion_output=champion))
    assert len(curves["champion_loss"]) == len(days) - 3
    nothing = pl.Series("output", [None] * len(champion), dtype=pl.Float64)
    assert "champion_loss" not in loss_curves(make_gate_input(champion_output=nothing))
