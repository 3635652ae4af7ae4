"""Gate: on the days that neither has seen, the candidate is better than the champion, beyond chance."""

from __future__ import annotations

from mlops_lab.gates.verdict import GateVerdict, Trial
from mlops_lab.training.backtest import compare_days, daily_gains


def check_backtest(trial: Trial) -> GateVerdict:
    """Passed if a paired one-sided test over days rejects "not better" at `alpha`; one look a candidate, so an equal
    candidate passes with probability `alpha`. The first version has nobody to beat."""
    if trial.champion_version is None:
        return GateVerdict("backtest", True, "there is no champion to compare it with")
    settings = trial.project.settings.backtest
    unseen = trial.champion_output.is_not_null()
    gains = daily_gains(
        trial.days.filter(unseen),
        trial.training.holdout_truth.filter(unseen),
        champion=trial.champion_output.filter(unseen),
        candidate=trial.candidate_output.filter(unseen),
    )
    result = compare_days(gains)
    evidence = {"gain": result.gain, "p_value": result.p_value, "days": float(result.days)}
    against = f"version {trial.champion_version}"
    if result.days < settings.min_days:
        reason = f"only {result.days} days that neither it nor {against} has seen; {settings.min_days} are needed"
        return GateVerdict("backtest", False, reason, evidence)
    better = f"log loss {result.gain:+.4f} a day better than {against} over {result.days} unseen days"
    if result.gain <= 0:
        better = f"log loss {-result.gain:.4f} a day worse than {against} over {result.days} unseen days"
    if result.p_value >= settings.alpha:
        return GateVerdict(
            "backtest", False, f"not better beyond chance: {better} (p = {result.p_value:.3f})", evidence
        )
    return GateVerdict("backtest", True, f"{better} (p = {result.p_value:.4f})", evidence)
