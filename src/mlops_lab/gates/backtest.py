"""Gate: on the days that neither was trained on, the candidate is better than the champion, beyond chance."""

from __future__ import annotations

from math import isnan

import numpy as np

from mlops_lab.gates.base import Gate, GateInput, GateVerdict, finite
from mlops_lab.tasks.base import say_difference
from mlops_lab.training.backtest import compare_blocks, mean_by_block


def check_backtest(gate_input: GateInput) -> GateVerdict:
    """Passed if a paired one-sided test over days (or blocks) rejects "not better" at `alpha`.

    Each candidate is tested once, so one that is only as good as the champion passes with probability `alpha`. A first
    version passes: there is no champion to compare it with. Where candidates prove themselves in the rollout, one
    passes unless it is worse beyond chance.
    """
    if gate_input.champion_version is None:
        return GateVerdict("backtest", True, "there is no champion to compare it with")
    if gate_input.project.settings.rollout.proves_itself:
        return _check_no_worse(gate_input)
    settings = gate_input.project.settings.backtest
    unseen = gate_input.blocks.filter(gate_input.unseen)
    days, result = unseen.n_unique(), compare_blocks(mean_by_block(unseen, -gate_input.loss_increase()))
    evidence = finite({"gain": result.gain, "p_value": result.p_value, "days": days})
    against = f"version {gate_input.champion_version}"
    block, blocks = ("day", "days") if settings.share is None else ("block", "blocks")
    if days < settings.min_days:
        reason = f"only {days} {blocks} that neither it nor {against} has seen; {settings.min_days} are needed"
        return GateVerdict("backtest", False, reason, evidence)
    difference = say_difference(result.gain, per=f" a {block}")
    better = f"{gate_input.task.loss_name} {difference} than {against} over {days} unseen {blocks}"
    if result.p_value >= settings.alpha:
        reason = f"not better beyond chance: {better} (p = {result.p_value:.3f})"
        return GateVerdict("backtest", False, reason, evidence)
    return GateVerdict("backtest", True, f"{better} (p = {result.p_value:.4f})", evidence)


def _check_no_worse(gate_input: GateInput) -> GateVerdict:
    settings, against = gate_input.project.settings, f"version {gate_input.champion_version}"
    unseen = gate_input.blocks.filter(gate_input.unseen)
    days, losses = unseen.n_unique(), mean_by_block(unseen, gate_input.loss_increase())
    if days < settings.backtest.min_days:
        reason = f"the rollout proves it: only {days} held-out days that {against} has not learned from"
        return GateVerdict("backtest", True, reason, {"days": float(days)})
    if not np.any(losses):
        reason = f"the rollout proves it: what its code learned before these days answers like {against}"
        return GateVerdict("backtest", True, reason, {"days": float(days), "gain": 0.0})
    result = compare_blocks(losses)
    evidence = finite({"gain": -result.gain, "p_worse": result.p_value, "days": days})
    difference = say_difference(-result.gain, per=" a day")
    compared = f"{gate_input.task.loss_name} {difference} than {against} over {days} unseen days"
    if result.p_value < settings.backtest.alpha or isnan(result.gain):
        return GateVerdict("backtest", False, f"worse beyond chance: {compared} (p = {result.p_value:.3f})", evidence)
    return GateVerdict("backtest", True, f"{compared}; the rollout proves it", evidence)


BACKTEST = Gate("backtest", check_backtest)
