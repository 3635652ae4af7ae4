"""Gate: the candidate is better than a linear model on the same inputs, beyond chance; if not, it is told."""

from __future__ import annotations

from mlops_lab.gates.base import GateInput, GateVerdict
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.backtest import compare_blocks, mean_by_block


def check_baseline(trial: GateInput) -> GateVerdict:
    """Passed if a paired one-sided test over days (or stretches) rejects "not better" at `backtest.alpha`.

    If not, the simpler model would do as well: a warning, which refuses the candidate only where
    `gates.must_beat_baseline` says so.
    """
    task, truth, baseline = trial.task, trial.training.holdout_truth, trial.baseline
    if truth.is_empty():
        return GateVerdict("baseline", True, "there are no held-out rows to compare a baseline on")
    losses = task.losses(truth, baseline.output)
    result = compare_blocks(mean_by_block(trial.blocks, losses - task.losses(truth, trial.candidate_output)))
    loss = mean_of(losses)
    evidence = {task.loss_name.replace(" ", "_"): loss, "gain": result.gain, "p_value": result.p_value}
    settings = trial.project.settings
    if result.p_value < settings.backtest.alpha:
        return GateVerdict("baseline", True, f"{baseline.name} gets {loss:.4f} on the same rows", evidence)
    no_better = "no better beyond chance" if result.gain > 0 else "no better"
    reason = f"{no_better} than {baseline.name}, which gets {loss:.4f} on the same rows"
    reason += f" (p = {result.p_value:.3f})"
    if settings.gates.must_beat_baseline:
        return GateVerdict("baseline", False, reason, evidence)
    return GateVerdict("baseline", True, f"warning: {reason}", evidence)
