"""Gate: the candidate is better than a linear model on the same inputs, beyond chance; if not, the verdict warns."""

from __future__ import annotations

from mlops_lab.gates.base import Gate, GateInput, GateVerdict, finite
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.backtest import compare_blocks, mean_by_block

_ALIKE = 0.05
"""Two models whose losses differ by less than this share of the loss, from row to row, answer nearly the same."""


def check_baseline(gate_input: GateInput) -> GateVerdict:
    """Passed if a paired one-sided test over days (or blocks) rejects "not better" at `backtest.alpha`.

    If not, the simpler model would do as well: that is a warning, and refuses the candidate only where
    `gates.must_beat_baseline` says so.
    """
    task, truth, baseline = gate_input.task, gate_input.training.holdout_truth, gate_input.baseline
    if truth.is_empty():
        return GateVerdict("baseline", True, "there are no held-out rows to compare a baseline on")
    losses, given = task.losses(truth, baseline.output), task.losses(truth, gate_input.candidate_output)
    result = compare_blocks(mean_by_block(gate_input.blocks, losses - given))
    loss = mean_of(losses)
    evidence = finite({task.loss_name.replace(" ", "_"): loss, "gain": result.gain, "p_value": result.p_value})
    settings = gate_input.project.settings
    if result.p_value < settings.backtest.alpha:
        return GateVerdict("baseline", True, f"{baseline.name} gets {loss:.4f} on the same rows", evidence)
    no_better = "no better beyond chance" if result.gain > 0 else "no better"
    reason = f"{no_better} than {baseline.name}, which gets {loss:.4f} on the same rows"
    reason += f" (p = {result.p_value:.3f})"
    if mean_of((losses - given).abs()) < _ALIKE * loss:
        reason += ", and answers nearly the same: it is as simple"
    if settings.gates.must_beat_baseline:
        return GateVerdict("baseline", False, reason, evidence)
    return GateVerdict("baseline", True, f"warning: {reason}", evidence)


BASELINE = Gate("baseline", check_baseline)
