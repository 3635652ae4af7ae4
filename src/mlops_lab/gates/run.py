"""The list of all gates, and running them."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_lab.gates.backtest import BACKTEST
from mlops_lab.gates.base import Gate, GateInput, GateVerdict
from mlops_lab.gates.baseline import BASELINE
from mlops_lab.gates.contract import CONTRACT
from mlops_lab.gates.same_model import SAME_MODEL
from mlops_lab.gates.sanity import SANITY
from mlops_lab.gates.served import SERVED
from mlops_lab.gates.slices import SLICES
from mlops_lab.gates.suspicion import SUSPICION

GATES: Sequence[Gate] = (SAME_MODEL, CONTRACT, SERVED, SANITY, BASELINE, SUSPICION, BACKTEST, SLICES)
"""The cheapest first. The first that fails names the decision's rule."""


def run_gates(gate_input: GateInput) -> list[GateVerdict]:
    """The verdict of every gate; all are run, so that one attempt shows everything that is wrong."""
    return [gate.check(gate_input) for gate in GATES]
