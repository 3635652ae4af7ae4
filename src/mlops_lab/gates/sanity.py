"""Gate: the candidate beats an answer that knows nothing of the request, and is not far off on average."""

from __future__ import annotations

import numpy as np

from mlops_lab.gates.base import GateInput, GateVerdict
from mlops_lab.tasks.base import mean_of

_NOTHING = {"regression": "the mean"}


def check_sanity(trial: GateInput) -> GateVerdict:
    """Passed if its loss on unseen rows is below that of the training rate (or mean) said every time, and its mean
    answer is within `max_calibration_gap` of the rate (or, in standard deviations, the mean) observed, give or take two
    standard errors: on few rows the best of models is off by chance."""
    task, truth, output = trial.task, trial.training.holdout_truth, trial.candidate_output
    if truth.is_empty():
        return GateVerdict("sanity", False, "there are no held-out rows to test it on")
    name, nothing = task.loss_name, _NOTHING.get(task.kind, "the base rate")
    loss = mean_of(task.losses(truth, output))
    baseline = mean_of(task.losses(truth, task.constant(trial.training.truth, len(truth))))
    part = max(task.parts(truth, output), key=lambda part: abs(mean_of(part.truth - part.output)))
    gap = abs(mean_of(part.truth - part.output))
    by_chance = 2 * float(np.std((part.truth - part.output).to_numpy())) / len(truth) ** 0.5
    evidence = {name.replace(" ", "_"): loss, f"baseline_{name.replace(' ', '_')}": baseline, "calibration_gap": gap}
    evidence["calibration_gap_by_chance"] = by_chance
    limit = trial.project.settings.gates.max_calibration_gap
    if not loss < baseline:  # also where it is no number
        return GateVerdict("sanity", False, f"{name} {loss:.4f} is no better than {nothing}'s {baseline:.4f}", evidence)
    if not gap - by_chance <= limit:
        reason = f"it is off by {gap:.3f} on average, more than {limit:g} and what chance explains ({by_chance:.3f})"
        return GateVerdict("sanity", False, reason, evidence)
    return GateVerdict("sanity", True, f"{name} {loss:.4f} against {baseline:.4f} for {nothing}", evidence)
