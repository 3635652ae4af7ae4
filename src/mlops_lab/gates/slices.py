"""Gate: no group of requests gets noticeably worse answers than from the champion."""

from __future__ import annotations

import polars as pl

from mlops_lab.gates.base import Gate, GateInput, GateVerdict, finite
from mlops_lab.tasks.base import say_difference


def check_slices(gate_input: GateInput) -> GateVerdict:
    """Passed if in every group of `slice_min_rows` or more rows the loss rises by at most `max_slice_loss`."""
    settings = gate_input.project.settings.gates
    unseen = gate_input.unseen
    if not settings.slices or not unseen.any():
        return GateVerdict("slices", True, "no groups to compare")
    rows = gate_input.training.holdout.filter(unseen).with_columns(gate_input.loss_increase().alias("__increase"))
    groups = (
        pl.concat(
            rows.group_by(pl.format("{}={}", pl.lit(name), pl.col(name)).alias("group"), maintain_order=True).agg(
                pl.col("__increase").mean().alias("increase"), pl.len().alias("rows")
            )
            for name in settings.slices
        )
        .filter(pl.col("rows") >= settings.slice_min_rows)
        .sort(["increase", "group"], descending=[True, False])
    )
    if groups.is_empty():
        return GateVerdict("slices", True, "no group is large enough to compare")
    worst = groups.row(0, named=True)
    evidence = finite({"worst": worst["increase"], "groups": groups.height})
    if not worst["increase"] <= settings.max_slice_loss:  # also where it is NaN, which sorts first
        rises = f"{gate_input.task.loss_name} of {worst['group']} rises by {worst['increase']:.4f}"
        reason = f"{rises}, more than {settings.max_slice_loss:g}"
        return GateVerdict("slices", False, reason, evidence)
    difference = say_difference(-worst["increase"])
    return GateVerdict("slices", True, f"worst of {groups.height} groups: {worst['group']}, {difference}", evidence)


SLICES = Gate("slices", check_slices)
