"""Gate: the candidate, or the linear model, is not too good to be true; if it is, the verdict warns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from mlops_lab.gates.base import Gate, GateInput, GateVerdict, finite
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.column_skill import measure_skill
from mlops_lab.training.pair_skill import find_combination
from mlops_lab.training.training_set import TrainingSet

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
    constant = task.constant(gate_input.training.truth, len(truth))
    answers = {"the candidate": gate_input.candidate_output, gate_input.baseline.name: gate_input.baseline.output}
    evidence = finite(
        {
            "loss": min(mean_of(task.losses(truth, output)) for output in answers.values()),
            "suspicious_below": LIMITS[task.kind] * mean_of(task.losses(truth, constant)),
        }
    )
    suspicion = explain_suspicion(gate_input.training, truth, constant, answers)
    reason = f"warning: {suspicion}" if suspicion else f"no {task.loss_name} is suspiciously small"
    return GateVerdict("suspicion", True, reason, evidence)


def explain_suspicion(
    training: TrainingSet, truth: pl.Series, constant: pl.Series, answers: Mapping[str, pl.Series]
) -> str | None:
    """Why answers to held-out rows may be too good to be true, and what to do; None where they are not.

    `answers` are those of some models by their name, `constant` those that never change.
    """
    task = training.task
    base = mean_of(task.losses(truth, constant))
    losses = {name: mean_of(task.losses(truth, output)) for name, output in answers.items()}
    perfect = [f"{name} gets {loss:.2g}" for name, loss in losses.items() if loss < LIMITS[task.kind] * base]
    if not perfect:
        return None
    found = f"this may be too good to be true: {' and '.join(perfect)} where a constant answer gets {base:.2g}"
    found += f" ({task.loss_name})"
    telling = find_telling_inputs(training)
    return f"{found}; the most telling inputs are {', '.join(telling)}: {_ADVICE}" if telling else found


def find_telling_inputs(training: TrainingSet) -> list[str]:
    """The inputs that predict best alone, each with its held-out skill; before them a sum that predicts all."""
    has_classes = training.task.kind != "regression"
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
