"""Detector: by how much the loss of the answers was higher than their own probabilities let expect."""

from __future__ import annotations

import polars as pl

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen
from mlops_lab.tasks.base import CLIP, Task, mean_of


def measure_excess(seen: Seen) -> list[tuple[str, float | None]]:
    """The mean log loss less the mean entropy of the answers, in nats: 0 on average where the probabilities are right,
    however hard the requests of the day were. Nothing without outcomes, and of numbers, which promise no loss."""
    if seen.joined.is_empty() or seen.task.kind == "regression":
        return []
    truth, output = seen.joined["truth"], seen.joined["output"]
    loss = mean_of(seen.task.losses(truth, output))
    return [("log_loss", loss - mean_of(expected_losses(seen.task, output)))]


def expected_losses(task: Task, output: pl.Series) -> pl.Series:
    """The log loss that each answer expects of itself: the entropy -sum p ln p of its probabilities, in nats."""
    parts = [part.output for part in task.parts(pl.Series([0.0] * len(output), dtype=pl.Float64), output)]
    shares = [*parts, 1 - parts[0]] if len(parts) == 1 else parts
    terms = [-share * share.clip(CLIP, 1).log() for share in shares]
    return sum(terms[1:], start=terms[0])


EXCESS_LOSS = AnswerDetector("excess_loss", measure_excess)
