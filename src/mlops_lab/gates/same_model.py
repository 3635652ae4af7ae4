"""Gate: the candidate is another model than those that are live."""

from __future__ import annotations

from mlops_lab.gates.base import Gate, GateInput, GateVerdict


def check_same_model(gate_input: GateInput) -> GateVerdict:
    """Passed if neither the champion nor the challenger answers by the same plan and the same model, bit for bit.

    A rollout of the same model would compare it with itself.
    """
    same = gate_input.same_as
    if same is not None:
        reason = f"its model is that of version {same}, bit for bit; new labels or other code would make another"
        return GateVerdict("same_model", False, reason, {"version": float(same)})
    return GateVerdict("same_model", True, "no live version is the same model")


SAME_MODEL = Gate("same_model", check_same_model)
