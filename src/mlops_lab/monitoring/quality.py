"""How good answers were, once the truth is known: the usual measures of a task, exact and in one pass."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from mlops_lab.tasks.base import Task, mean_of

Vector: TypeAlias = NDArray[np.float64]

CLIP = 1e-15
"""Probabilities are kept this far from 0 and 1: an answer that is certain and wrong costs 34.5 and not infinity."""


def quality(task: Task, truth: pl.Series, output: pl.Series) -> dict[str, float | None]:
    """How good some answers were, by the usual measures of the task; None where a measure is not defined."""
    if task.kind == "multiclass":
        correct = output.list.arg_max() == truth.cast(pl.UInt32)
        return {"log_loss": mean_of(task.losses(truth, output)), "accuracy": mean_of(correct.cast(pl.Float64))}
    if task.kind == "regression":
        error = output - truth
        spread = mean_of((truth - truth.mean()) ** 2)
        squared = mean_of(error**2)
        return {
            "rmse": squared**0.5,
            "mae": mean_of(error.abs()),
            "r2": 1 - squared / spread if spread else None,
            "observed_mean": mean_of(truth),
            "predicted_mean": mean_of(output),
        }
    return {
        "log_loss": log_loss(truth, output),
        "auc": roc_auc(truth, output),
        "observed_rate": mean_of(truth),
        "predicted_rate": mean_of(output),
    }


def log_loss(truth: ArrayLike, probability: ArrayLike) -> float:
    """The mean negative log likelihood in nats of 0/1 `truth` (n,) under P(truth = 1) = `probability` (n,).

    `-mean(y ln p + (1 - y) ln(1 - p))` with `p` clipped to [CLIP, 1 - CLIP]. Lower is better, 0 is perfect
    and ln 2 (0.693) is the loss of always answering 0.5. ValueError if there are no rows or the input is not as
    described.

    Source: I. J. Good, Rational Decisions, Journal of the Royal Statistical Society B 14 (1952);
    C. Bishop, Pattern Recognition and Machine Learning (2006), eq. 4.90, divided by n.
    """
    happened, p = _checked(truth, probability)
    if happened.size == 0:
        raise ValueError("log loss of no rows is not defined")
    clipped = np.clip(p, CLIP, 1.0 - CLIP)
    return float(-np.mean(np.where(happened, np.log(clipped), np.log1p(-clipped))))


def roc_auc(truth: ArrayLike, probability: ArrayLike) -> float | None:
    """The chance that a positive got a higher `probability` (n,) than a negative, ties counting half.

    `(R1 - n1 (n1 + 1) / 2) / (n1 n0)`, where `R1` is the sum of the positives' ranks among all `probability`,
    tied values sharing their mean rank. 0.5 is chance, 1 is perfect. None where only one class occurred, for
    there is no pair to compare. ValueError if the input is not 0/1 and [0, 1], row by row.

    Source: Mann and Whitney, On a test of whether one of two random variables is stochastically larger than
    the other, Annals of Mathematical Statistics 18 (1947), for U; Hanley and McNeil, The meaning and use of
    the area under a receiver operating characteristic (ROC) curve, Radiology 143 (1982), for U as that area.
    """
    happened, p = _checked(truth, probability)
    positives = int(np.count_nonzero(happened))
    negatives = happened.size - positives
    if positives == 0 or negatives == 0:
        return None
    wins = float(_midranks(p)[happened].sum()) - positives * (positives + 1) / 2
    return wins / (positives * negatives)


def _midranks(values: Vector) -> Vector:
    """Ranks from 1, ties sharing their mean: scipy's `rankdata` without the slow import of scipy.stats."""
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(size) - (size - 1) / 2
    ranks: Vector = mean_rank[group]
    return ranks


def _checked(truth: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.bool_], Vector]:
    """The two columns as flat arrays; ValueError for anything that would give a number without a meaning."""
    y = np.asarray(truth, dtype=np.float64)
    p = np.asarray(probability, dtype=np.float64)
    if y.ndim != 1 or y.shape != p.shape:
        raise ValueError(f"truth and probability must be two columns of one length, not {y.shape} and {p.shape}")
    if not np.isin(y, (0.0, 1.0)).all():
        raise ValueError("truth must be 0 or 1 in every row")
    if not ((p >= 0.0) & (p <= 1.0)).all():
        raise ValueError("probability must lie between 0 and 1 in every row")
    return y == 1.0, p
