"""All gates, in the order in which a failure is cheapest to find."""

from __future__ import annotations

from collections.abc import Callable

from mlops_lab.gates.backtest import check_backtest
from mlops_lab.gates.base import GateInput, GateVerdict
from mlops_lab.gates.baseline import check_baseline
from mlops_lab.gates.contract import check_contract
from mlops_lab.gates.sanity import check_sanity
from mlops_lab.gates.slices import check_slices

GATES: tuple[Callable[[GateInput], GateVerdict], ...] = (
    check_contract,
    check_sanity,
    check_baseline,
    check_backtest,
    check_slices,
)


def run_gates(trial: GateInput) -> list[GateVerdict]:
    """The word of every gate; all are asked, so that one run tells everything that is wrong."""
    return [gate(trial) for gate in GATES]
