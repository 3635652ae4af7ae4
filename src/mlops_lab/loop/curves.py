"""Curves of a candidate's run: its loss on the held-out rows over time, beside those of baseline and champion."""

from __future__ import annotations

import math

import polars as pl

from mlops_lab.gates.base import GateInput
from mlops_lab.registry.store.records import Curve


def loss_curves(gate_input: GateInput) -> dict[str, Curve]:
    """By name, the mean loss in each block of time (a day, or a share of the rows), at the moment of its first row.

    `loss` is the candidate's, or its twin's; `champion_loss` lacks blocks of rows that the champion was trained on.
    """
    data = gate_input.training
    answers = {
        "loss": gate_input.candidate_output,
        "baseline_loss": gate_input.baseline.output,
        "champion_loss": gate_input.champion_output,
    }
    moments = data.holdout[gate_input.project.settings.source.time]
    return {name: curve for name, output in answers.items() if (curve := _mean_by_block(gate_input, output, moments))}


def _mean_by_block(gate_input: GateInput, output: pl.Series, moments: pl.Series) -> Curve:
    answered = output.is_not_null()
    losses = gate_input.task.losses(gate_input.training.holdout_truth.filter(answered), output.filter(answered))
    frame = pl.DataFrame({"block": gate_input.blocks.filter(answered), "at": moments.filter(answered), "loss": losses})
    means = frame.group_by("block").agg(pl.col("at").min(), pl.col("loss").mean()).sort("block")
    return [(at, value) for at, value in means.select("at", "loss").iter_rows() if math.isfinite(value)]
