"""Gate: the candidate beats saying the base rate, and is not far off on average."""

from __future__ import annotations

import polars as pl

from mlops_lab.gates.verdict import GateVerdict, Trial
from mlops_lab.training.losses import row_losses


def check_sanity(trial: Trial) -> GateVerdict:
    """Passed if its log loss on unseen days is below that of the training rate said every time, and its mean answer
    is within `max_calibration_gap` of the rate observed."""
    truth, output = trial.training.holdout_truth, trial.candidate_output
    if truth.is_empty():
        return GateVerdict("sanity", False, "there are no held-out rows to test it on")
    base = pl.Series([float(trial.training.truth.mean())] * len(truth))  # type: ignore[arg-type]
    loss, baseline = float(row_losses(truth, output).mean()), float(row_losses(truth, base).mean())  # type: ignore[arg-type]
    gap = abs(float(output.mean()) - float(truth.mean()))  # type: ignore[arg-type]
    evidence = {"log_loss": loss, "baseline_log_loss": baseline, "calibration_gap": gap}
    limit = trial.project.settings.gates.max_calibration_gap
    if not loss < baseline:  # also where it is no number
        return GateVerdict(
            "sanity", False, f"log loss {loss:.4f} is no better than the base rate's {baseline:.4f}", evidence
        )
    if not gap <= limit:
        return GateVerdict("sanity", False, f"it is off by {gap:.3f} on average, more than {limit:g}", evidence)
    return GateVerdict("sanity", True, f"log loss {loss:.4f} against {baseline:.4f} for the base rate", evidence)
