"""Detectors: how good answers are by their own probabilities, before any outcome; and how far that was off, after."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.monitoring.detectors.base import AnswerDetector, Seen
from mlops_lab.monitoring.detectors.excess_loss import expected_losses
from mlops_lab.monitoring.quality import quality
from mlops_lab.tasks.base import Task, mean_of

_Floats = npt.NDArray[np.float64]


def estimate(task: Task, output: pl.Series) -> dict[str, float | None]:
    """The log loss, and of yes or no the AUC, that answers expect of themselves: right where the probabilities are.

    Nothing of numbers, which promise nothing. Source: Guillory et al. 2021, "Predicting with Confidence on Unseen
    Distributions", for the idea; the AUC is Mann and Whitney's statistic with the probabilities as shares of a case.
    """
    if task.kind == "regression" or output.is_empty():
        return {}
    found: dict[str, float | None] = {"log_loss": mean_of(expected_losses(task, output))}
    if task.kind == "binary":
        found["auc"] = expected_auc(output.to_numpy().astype(np.float64))
    return found


def expected_auc(chance: _Floats) -> float | None:
    """The chance that a positive has a higher probability than a negative, ties counting half, where each row is a
    positive with its own probability `chance` (n,); None where all are certain of the same."""
    values, group = np.unique(chance, return_inverse=True)
    positive = np.bincount(group, weights=chance, minlength=len(values))
    negative = np.bincount(group, weights=1 - chance, minlength=len(values))
    alone = float((chance * (1 - chance)).sum())  # a row is no pair with itself
    pairs = float(positive.sum() * negative.sum()) - alone
    if pairs <= 0:
        return None
    below = np.cumsum(negative) - negative
    wins = float((positive * (below + negative / 2)).sum()) - alone / 2
    return wins / pairs


def measure_estimate(seen: Seen) -> list[tuple[str, float | None]]:
    """What the answers of the window expect of themselves."""
    if "output" not in seen.answered.columns:
        return []
    output = seen.answered["output"].drop_nulls()
    if output.is_empty() or seen.task.invalid(output).any():
        return []
    return list(estimate(seen.task, output).items())


def measure_error(seen: Seen) -> list[tuple[str, float | None]]:
    """The estimate less the truth, on the answers whose outcomes arrived in the window."""
    if seen.joined.is_empty():
        return []
    found = estimate(seen.task, seen.joined["output"])
    truth = quality(seen.task, seen.joined["truth"], seen.joined["output"]) if found else {}
    return [
        (name, value - true)
        for name, value in found.items()
        if value is not None and (true := truth.get(name)) is not None
    ]


ESTIMATE = AnswerDetector("estimate", measure_estimate)
ESTIMATE_ERROR = AnswerDetector("estimate_error", measure_error)
