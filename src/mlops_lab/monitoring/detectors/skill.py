"""Detector: how much the answers say about single requests, beyond how often each outcome came that day."""

from __future__ import annotations

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen
from mlops_lab.tasks.base import mean_of


def measure_skill(seen: Seen) -> list[tuple[str, float | None]]:
    """The mean log loss of the best constant answer of the day less that of the answers, in nats: what makes a whole
    day easy or hard is in both. Nothing without outcomes, and of numbers, whose `r2` says the same."""
    if seen.joined.is_empty() or seen.task.kind == "regression":
        return []
    truth, output = seen.joined["truth"], seen.joined["output"]
    constant = seen.task.losses(truth, seen.task.constant(truth, len(truth)))
    return [("log_loss", mean_of(constant) - mean_of(seen.task.losses(truth, output)))]


SKILL = AnswerDetector("skill", measure_skill)
