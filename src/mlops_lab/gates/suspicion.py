"""Gate: the candidate, or the linear model, is not too good to be true; if it is, the verdict warns."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.gates.base import Gate, GateInput, GateVerdict, finite
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.column_skill import measure_skill
from mlops_lab.training.pair_skill import find_combination

LIMITS = {"regression": 0.002, "binary": 0.02, "multiclass": 0.02}
"""The share of the constant answer's loss, by task, below which a loss is suspicious."""
SHOWN, ROWS = 3, 5_000
_ADVICE = "make sure that they are known when a prediction is asked for; if not, take them out of pipeline.py"


def check_suspicion(gate_input: GateInput) -> GateVerdict:
    """Always passed: a nearly perfect model may be right, but more often an input was not known before the outcome.

    The warning tells the loss, what a constant answer gets, and the inputs, or the two together, that tell the most.
    """
    task, truth = gate_input.task, gate_input.training.holdout_truth
    if truth.is_empty():
        return GateVerdict("suspicion", True, "there are no held-out rows to be too good on")
    constant = mean_of(task.losses(truth, task.constant(gate_input.training.truth, len(truth))))
    losses = {
        "the candidate": mean_of(task.losses(truth, gate_input.candidate_output)),
        gate_input.baseline.name: mean_of(task.losses(truth, gate_input.baseline.output)),
    }
    limit = LIMITS[task.kind] * constant
    evidence = finite({"loss": min(losses.values()), "suspicious_below": limit})
    if not constant > 0 or not any(loss < limit for loss in losses.values()):
        return GateVerdict("suspicion", True, f"no {task.loss_name} is suspiciously small", evidence)
    perfect = " and ".join(f"{name} gets {loss:.2g}" for name, loss in losses.items() if loss < limit)
    reason = f"warning: this may be too good to be true: {perfect} where a constant answer gets {constant:.2g}"
    if telling := find_telling_inputs(gate_input):
        reason += f" ({task.loss_name}); the most telling inputs are {', '.join(telling)}: {_ADVICE}"
    return GateVerdict("suspicion", True, reason, evidence)


def find_telling_inputs(gate_input: GateInput) -> list[str]:
    """The inputs that predict best alone, each with its held-out skill; before them a sum that predicts all."""
    training, has_classes = gate_input.training, gate_input.task.kind != "regression"
    height = training.inputs.height
    drawn = pl.Series(np.random.default_rng(0).choice(height, min(ROWS, height), replace=False))
    inputs, truth = training.inputs[drawn], training.truth[drawn]
    skills = {column.name: measure_skill(column, truth, has_classes=has_classes) for column in inputs}
    known = {name: found for name, found in skills.items() if found is not None and found.skill > 0}
    best = sorted(known, key=lambda name: -known[name].skill)[:SHOWN]
    alone = [f"{name} ({known[name]} alone)" for name in best]
    if best and known[best[0]].is_nearly_perfect:
        return alone
    together = find_combination(inputs, truth, has_classes=has_classes)
    return [str(together), *alone] if together else alone


SUSPICION = Gate("suspicion", check_suspicion)
