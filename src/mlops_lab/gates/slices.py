"""Gate: no group of requests gets noticeably worse answers than from the champion."""

from __future__ import annotations

import polars as pl

from mlops_lab.gates.base import GateInput, GateVerdict


def check_slices(trial: GateInput) -> GateVerdict:
    """Passed if in every group of `slice_min_rows` or more rows the loss rises by at most `max_slice_loss`."""
    settings = trial.project.settings.gates
    unseen = trial.champion_output.is_not_null()
    if not settings.slices or not unseen.any():
        return GateVerdict("slices", True, "no groups to compare")
    rows = trial.training.holdout.filter(unseen).with_columns(trial.harms().alias("__harm"))
    groups = (
        pl.concat(
            rows.group_by(pl.format("{}={}", pl.lit(name), pl.col(name)).alias("group"), maintain_order=True).agg(
                pl.col("__harm").mean().alias("harm"), pl.len().alias("rows")
            )
            for name in settings.slices
        )
        .filter(pl.col("rows") >= settings.slice_min_rows)
        .sort(["harm", "group"], descending=[True, False])
    )
    if groups.is_empty():
        return GateVerdict("slices", True, "no group is large enough to compare")
    worst = groups.row(0, named=True)
    evidence = {"worst": float(worst["harm"]), "groups": float(groups.height)}
    if not worst["harm"] <= settings.max_slice_loss:  # also where it is no number, which sorts first
        rises = f"{trial.task.loss_name} of {worst['group']} rises by {worst['harm']:.4f}"
        reason = f"{rises}, more than {settings.max_slice_loss:g}"
        return GateVerdict("slices", False, reason, evidence)
    return GateVerdict(
        "slices", True, f"worst of {groups.height} groups: {worst['group']} {worst['harm']:+.4f}", evidence
    )
