"""Gate: the package answers, and answers exactly what the trained model answers."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.gates.base import Gate, GateInput, GateVerdict, finite
from mlops_lab.training.agreement import distances

SAMPLE = 200
_FLOAT32 = "ONNX computes in float32; leave numbers unscaled in front of trees, or take LightGBM alone"


def check_contract(gate_input: GateInput) -> GateVerdict:
    """Passed if every answer is a valid one of the task, and the engine that serves agrees with the trained model.

    Both were compared when the model was packaged (`training.packaging`): an exact engine must agree to the last bit,
    and where none agrees nothing is registered. Here the registered package scores all held-out rows at once, and some
    of them one at a time, as the server does.
    """
    output, agreement = gate_input.package_output, gate_input.agreement
    invalid = int(gate_input.task.invalid(output).sum())
    rows = gate_input.training.holdout_inputs.head(SAMPLE).rows()
    differing = agreement.differing + _count_differing(
        output.head(SAMPLE),
        gate_input.candidate.score_rows(rows),
        tolerance=agreement.tolerance,
        scale=gate_input.candidate.plan.scale,
    )
    compared = agreement.rows + len(rows)
    largest = -1.0 if agreement.largest is None else agreement.largest
    evidence = finite({"rows": compared, "invalid": invalid, "differing": differing, "largest_difference": largest})
    if invalid:
        reason = f"{invalid:,} of {len(output):,} answers are not valid answers of the task"
        return GateVerdict("contract", False, reason, evidence)
    if differing:
        reason = f"the package answers {differing:,} of {compared:,} rows differently from the model that was trained"
        if not gate_input.candidate.engine.exact:
            reason += f" (by up to {agreement.largest:.2g})" if agreement.largest else ""
            reason += f": {_FLOAT32}"
        return GateVerdict("contract", False, reason, evidence)
    exactly = "exactly like the model" if not agreement.tolerance else f"like the model, within {agreement.tolerance:g}"
    return GateVerdict("contract", True, f"the package answers {compared:,} rows {exactly}", evidence)


def _count_differing(
    together: pl.Series, one_by_one: list[float | list[float]], *, tolerance: float, scale: float
) -> int:
    """How many answers to the same rows, scored together and one by one, differ by more than the tolerance, in units of
    the scale or of the answer."""
    if not one_by_one:
        return 0
    expected = np.array(together.to_list(), dtype=np.float64)
    return int((distances(expected, np.array(one_by_one), scale=scale) > tolerance).sum())


CONTRACT = Gate("contract", check_contract)
