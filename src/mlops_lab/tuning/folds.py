"""Validation in the order of time: learn from what came before, be tested on what came next, several times."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.fit import ask, learn, to_answers
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet

FOLDS = 4


@dataclass(frozen=True)
class Fold:
    """The rows before `begin` are learned from, those from it to `end` (exclusive) are tested on."""

    begin: int
    end: int


def cut_folds(moments: pl.Series, folds: int = FOLDS) -> list[Fold]:
    """Expanding windows over rows in the order of time: the first learns from half of them, and each of the stretches
    that the other half is cut into is tested once, by what learned from all rows before it.

    A cut falls between two moments, never inside one: what was asked at once is learned from or tested on together. So
    there are fewer folds, or none, where few moments differ.
    """
    rows = len(moments)
    half = rows // 2
    cuts = {_next_moment(moments, half + (rows - half) * number // folds) for number in range(folds)}
    edges = sorted({*cuts, rows})
    return [Fold(begin, end) for begin, end in pairwise(edges)]


def _next_moment(moments: pl.Series, place: int) -> int:
    """The place itself, or, where it lies inside a moment, that at which the next one begins."""
    if place == 0 or moments[place] != moments[place - 1]:
        return place or len(moments)
    return int(moments.search_sorted(moments[place], side="right"))


def part(data: TrainingSet, fold: Fold) -> TrainingSet:
    """The training set whose held-out rows are those of the fold; the ones that `data` holds out play no part."""
    asked = slice(fold.begin, fold.end)
    return replace(
        data,
        inputs=data.inputs[: fold.begin],
        truth=data.truth[: fold.begin],
        weights=None if data.weights is None else data.weights[: fold.begin],
        moments=data.moments[: fold.begin],
        holdout=data.holdout.clear(),
        holdout_inputs=data.inputs[asked],
        holdout_truth=data.truth[asked],
    )


def validate(pipeline: Pipeline, estimator: Any, rows: TrainingSet) -> float:
    """The mean loss of the estimator on the held-out rows, after it has learned from the others.

    InvalidInput where it cannot learn, cannot answer, or answers what is no number.
    """
    learned = learn(pipeline, estimator, rows)
    output = ask(pipeline, lambda: to_answers(learned, rows.holdout_inputs))
    loss = mean_of(rows.task.losses(rows.holdout_truth, output))
    if not math.isfinite(loss):
        raise InvalidInput(
            f"answers what is no number: {rows.task.loss_name} {loss}",
            code="bad_answers",
            where="pipeline.py, model()",
            hint="it may be asked for what it has never seen: let it take nulls, or fill them before it",
        )
    return loss
