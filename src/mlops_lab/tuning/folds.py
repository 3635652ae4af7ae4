"""Validation in the order of time: train on earlier rows, test on the next ones, several times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.tasks.base import mean_of
from mlops_lab.training.fit import fit_estimator, to_answers
from mlops_lab.training.pipeline import Pipeline, run_project_code
from mlops_lab.training.training_set import TrainingSet
from mlops_lab.tuning.space import find_space

FOLDS = 4


@dataclass(frozen=True)
class Fold:
    """Train on the rows before `begin`, test on those from `begin` to `end` (exclusive)."""

    begin: int
    end: int


def cut_folds(moments: pl.Series, folds: int = FOLDS) -> list[Fold]:
    """Expanding windows over rows in the order of time: the second half is cut into blocks, and each block is tested on
    by a model that was trained on all rows before it.

    A cut falls between two moments, never inside one: rows of the same moment are all for training or all for testing.
    So there are fewer folds, or none, where few moments differ.
    """
    rows = len(moments)
    half = rows // 2
    cuts = {_next_moment(moments, half + (rows - half) * number // folds) for number in range(folds)}
    edges = sorted({*cuts, rows})
    return [Fold(begin, end) for begin, end in pairwise(edges)]


def _next_moment(moments: pl.Series, index: int) -> int:
    """The index, or the first index of the next moment where the row before has the same moment."""
    if index == 0 or moments[index] != moments[index - 1]:
        return index or len(moments)
    return int(moments.search_sorted(moments[index], side="right"))


def fold_rows(data: TrainingSet, fold: Fold) -> TrainingSet:
    """The training set whose held-out rows are those of the fold; the rows that `data` holds out are not in it."""
    tested = slice(fold.begin, fold.end)
    return replace(
        data,
        inputs=data.inputs[: fold.begin],
        truth=data.truth[: fold.begin],
        weights=None if data.weights is None else data.weights[: fold.begin],
        moments=data.moments[: fold.begin],
        holdout=data.holdout.clear(),
        holdout_inputs=data.inputs[tested],
        holdout_truth=data.truth[tested],
    )


def validate(pipeline: Pipeline, data: TrainingSet, fold: Fold, parameters: Mapping[str, Any]) -> float:
    """The mean loss on the rows of the fold of the project's estimator with these parameters, trained on those before.

    InvalidInput where it cannot be trained, cannot answer, or an answer is not a number.
    """
    rows = fold_rows(data, fold)
    fitted = fit_estimator(pipeline, find_space(pipeline).make(parameters), rows)
    output = run_project_code(pipeline, lambda: to_answers(fitted, rows.holdout_inputs))
    loss = mean_of(rows.task.losses(rows.holdout_truth, output))
    if not math.isfinite(loss):
        raise InvalidInput(
            f"gives answers that are not numbers: {rows.task.loss_name} {loss}",
            code="bad_answers",
            where="pipeline.py, model()",
            hint="later rows may have values that earlier ones do not: let the model take nulls, or fill them first",
        )
    return loss
