"""Gate: the candidate is better than one constant answer, and not far off on average."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.gates.base import Gate, GateInput, GateVerdict, finite
from mlops_lab.tasks.base import Task, mean_of

_CONSTANT_NAMES = {"regression": "the mean"}


def check_sanity(gate_input: GateInput) -> GateVerdict:
    """Passed if on the held-out rows it is better than a constant answer and right on average.

    The constant is the rate (or mean) of the training rows. Its mean answer must be within `max_calibration_gap` of the
    rate (or, in standard deviations, the mean) observed, plus two standard errors: on few rows even the best model is
    off by chance.
    """
    task, truth, output = gate_input.task, gate_input.training.holdout_truth, gate_input.candidate_output
    if truth.is_empty():
        return GateVerdict("sanity", False, "there are no held-out rows to test it on")
    name, constant = task.loss_name, _CONSTANT_NAMES.get(task.kind, "the base rate")
    loss = mean_of(task.losses(truth, output))
    baseline = mean_of(task.losses(truth, task.constant(gate_input.training.truth, len(truth))))
    gap, by_chance = average_gap(task, truth, output)
    measure = name.replace(" ", "_")
    evidence = finite(
        {measure: loss, f"baseline_{measure}": baseline, "calibration_gap": gap, "calibration_gap_by_chance": by_chance}
    )
    limit = gate_input.project.settings.gates.max_calibration_gap
    if not loss < baseline:  # also where it is NaN
        return GateVerdict(
            "sanity", False, f"{name} {loss:.4f} is no better than {constant}'s {baseline:.4f}", evidence
        )
    if not gap - by_chance <= limit:
        reason = (
            f"it is off by {gap:.3f} on average, more than {limit:g} (gates.max_calibration_gap) and what chance "
            f"explains ({by_chance:.3f})"
        )
        return GateVerdict("sanity", False, reason, evidence)
    return GateVerdict("sanity", True, f"{name} {loss:.4f} against {baseline:.4f} for {constant}", evidence)


def average_gap(task: Task, truth: pl.Series, output: pl.Series) -> tuple[float, float]:
    """How far the mean answer is from the rate (or mean) observed, at the class where it is most; and how far the best
    model may be by chance: two standard errors."""
    part = max(task.parts(truth, output), key=lambda part: abs(mean_of(part.truth - part.output)))
    apart = part.truth - part.output
    return abs(mean_of(apart)), 2 * float(np.std(apart.to_numpy())) / len(truth) ** 0.5


SANITY = Gate("sanity", check_sanity)
