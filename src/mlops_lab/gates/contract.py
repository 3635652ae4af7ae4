"""Gate: the package answers, and answers exactly what the trained model answers."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.gates.base import GateInput, GateVerdict
from mlops_lab.training.agreement import distances

SAMPLE = 200
_FLOAT32 = "ONNX computes in float32; leave numbers unscaled in front of trees, or take LightGBM alone"


def check_contract(trial: GateInput) -> GateVerdict:
    """Passed if every answer is one of the task's, and the engine that serves agrees with the model that was trained.

    Both were asked side by side when the model was packaged (`training.packaging`): an exact engine must agree to the
    last bit, and where none agrees nothing is registered. Here the registered package is asked for all held-out rows at
    once, and a row at a time, as the server asks it.
    """
    output, agreement = trial.candidate_output, trial.agreement
    bad = int(trial.task.invalid(output).sum())
    rows = trial.training.holdout_inputs.head(SAMPLE).rows()
    one_by_one = trial.candidate.score_rows(rows)
    differing = agreement.differing + _differing(
        one_by_one, output.head(SAMPLE), tolerance=agreement.tolerance, scale=trial.candidate.plan.scale
    )
    compared = agreement.rows + len(rows)
    evidence = {"rows": float(compared), "invalid": float(bad), "differing": float(differing)}
    evidence["largest_difference"] = -1.0 if agreement.largest is None else agreement.largest
    if bad:
        return GateVerdict("contract", False, f"{bad} of {len(output)} answers are none that the task has", evidence)
    if differing:
        reason = f"the package answers {differing} of {compared} rows unlike the model that was trained"
        if not trial.candidate.engine.exact:
            reason += f" (by up to {agreement.largest:.2g})" if agreement.largest else ""
            reason += f": {_FLOAT32}"
        return GateVerdict("contract", False, reason, evidence)
    exactly = "exactly like the model" if not agreement.tolerance else f"like the model, within {agreement.tolerance:g}"
    return GateVerdict("contract", True, f"the package answers {compared} rows {exactly}", evidence)


def _differing(one: list[float | list[float]], other: pl.Series, *, tolerance: float, scale: float) -> int:
    """How many answers differ by more than the tolerance, in units of the scale or of the answer."""
    if not one:
        return 0
    there = np.array(other.to_list(), dtype=np.float64)
    return int((distances(there, np.array(one), scale=scale) > tolerance).sum())
