"""Gate: on the days that neither has seen, the candidate is better than the champion, beyond chance."""

from __future__ import annotations

from mlops_lab.gates.base import GateInput, GateVerdict
from mlops_lab.training.backtest import compare_blocks, mean_by_block


def check_backtest(trial: GateInput) -> GateVerdict:
    """Passed if a paired one-sided test over days (or stretches) rejects "not better" at `alpha`; one look a candidate,
    so an equal candidate passes with probability `alpha`. The first version has nobody to beat."""
    if trial.champion_version is None:
        return GateVerdict("backtest", True, "there is no champion to compare it with")
    settings = trial.project.settings.backtest
    unseen = trial.champion_output.is_not_null()
    result = compare_blocks(mean_by_block(trial.blocks.filter(unseen), -trial.harms()))
    evidence = {"gain": result.gain, "p_value": result.p_value, "days": float(result.blocks)}
    against = f"version {trial.champion_version}"
    one, many = ("day", "days") if settings.share is None else ("stretch", "stretches")
    if result.blocks < settings.min_days:
        reason = f"only {result.blocks} {many} that neither it nor {against} has seen; {settings.min_days} are needed"
        return GateVerdict("backtest", False, reason, evidence)
    how = f"{result.gain:+.4f} a {one} better" if result.gain > 0 else f"{-result.gain:.4f} a {one} worse"
    better = f"{trial.task.loss_name} {how} than {against} over {result.blocks} unseen {many}"
    if result.p_value >= settings.alpha:
        return GateVerdict(
            "backtest", False, f"not better beyond chance: {better} (p = {result.p_value:.3f})", evidence
        )
    return GateVerdict("backtest", True, f"{better} (p = {result.p_value:.4f})", evidence)
