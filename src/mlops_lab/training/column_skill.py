"""How well one column alone predicts the target, on rows that it was not fitted on.

A column that leaves nothing to predict was probably not known before the target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.float64]

MIN_ROWS = 30
"""Fewer rows prove nothing; the same holds for classes with fewer than MIN_ROWS_OF_CLASS."""
MIN_ROWS_OF_CLASS = 5
_LIMITS = {"AUC": 0.995, "accuracy": 0.99, "rank skill": 0.99}
_LOST_ROWS = {"AUC": 0.2, "accuracy": 10.0, "rank skill": 4.0}
_MOST_LOST = 0.03
"""From where on a column is suspected; on few rows less, by what so many rows at the borders of classes cost."""
_NEIGHBOURS = {"AUC": 10, "accuracy": 6, "rank skill": 2}
_MIN_ROWS_OF_CATEGORY = 5
_FEW_ROWS, _FOLDS_OF_FEW = 2_000, 5
_SEED = 0


@dataclass(frozen=True)
class ColumnSkill:
    """The held-out skill of a column: 0 is that of the base rate, 1 leaves no error.

    `measure` and `value` say it in usual terms: the AUC for two classes, the accuracy for several, and for a number the
    share by which the mean absolute error of its rank is lower than that of the mean.
    """

    skill: float
    measure: str
    value: float
    rows: int

    @property
    def is_nearly_perfect(self) -> bool:
        """Whether so little error is left that the column must be suspected."""
        reached = self.skill if self.measure == "accuracy" else self.value
        return reached >= _LIMITS[self.measure] - min(_LOST_ROWS[self.measure] / self.rows, _MOST_LOST)

    def __str__(self) -> str:
        return f"{self.measure} {self.value:.4f}"


def measure_skill(column: pl.Series, truth: pl.Series, *, has_classes: bool) -> ColumnSkill | None:
    """The skill of a column, where both are known; None where too few rows, values or classes are.

    Each half of the rows is predicted from the other one (few rows: each fifth from the rest): a number by the target
    of its neighbours (all rows of the same value at least), a text by that of the same text, if it occurs often enough.
    """
    both = pl.DataFrame({"c": _to_numbers(column), "y": truth}).drop_nulls()
    both = both.filter(pl.all_horizontal(pl.selectors.float().is_finite()))
    if both.height < MIN_ROWS or both["c"].n_unique() < 2:
        return None
    both = both.sample(fraction=1, shuffle=True, seed=_SEED)
    codes = both["y"].rank("dense" if has_classes else "average").to_numpy()
    if not has_classes:
        return _measure(both["c"].to_numpy(), codes[:, None], "rank skill", is_text=column.dtype == pl.String)
    counts = np.bincount(codes.astype(np.int64) - 1)
    if (counts >= MIN_ROWS_OF_CLASS).sum() < 2:
        return None
    is_class = (codes[:, None] == np.arange(1, len(counts) + 1)).astype(np.float64)
    measure = "AUC" if len(counts) == 2 else "accuracy"
    return _measure(both["c"].to_numpy(), is_class, measure, is_text=column.dtype == pl.String)


def _to_numbers(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return column.rank("dense").cast(pl.Float64)
    return (column.to_physical() if column.dtype.is_temporal() else column).cast(pl.Float64)


def _measure(values: Numbers, truth: Numbers, measure: str, *, is_text: bool) -> ColumnSkill | None:
    rows, answers = len(values), np.empty_like(truth)
    folds = np.arange(rows) % (_FOLDS_OF_FEW if rows < _FEW_ROWS else 2)
    for fold in np.unique(folds):
        learn, ask = folds != fold, folds == fold
        neighbours = 0 if is_text else _NEIGHBOURS[measure]
        answers[ask] = _predict(values[learn], truth[learn], values[ask], neighbours=neighbours)
    if measure == "AUC":
        area = _area(answers[:, 1], truth[:, 1] == 1)
        return ColumnSkill(max(2 * area - 1, 0.0), measure, area, rows)
    if measure == "accuracy":
        right = float((answers.argmax(axis=1) == truth.argmax(axis=1)).mean())
        base = float(truth.mean(axis=0).max())
        return ColumnSkill(max(1 - (1 - right) / (1 - base), 0.0), measure, right, rows)
    spread = float(np.abs(truth - truth.mean()).mean())
    if spread == 0:
        return None
    skill = max(1 - float(np.abs(truth - answers).mean()) / spread, 0.0)
    return ColumnSkill(skill, measure, skill, rows)


def _predict(values: Numbers, truth: Numbers, asked: Numbers, *, neighbours: int) -> Numbers:
    """The mean of the truth in the rows of the same value; with `neighbours`, in so many rows around it at least."""
    order = np.argsort(values, kind="stable")
    known = values[order]
    left, right = np.searchsorted(known, asked, "left"), np.searchsorted(known, asked, "right")
    middle = (left + right) // 2
    low = np.clip(np.minimum(left, middle - neighbours // 2), 0, None)
    high = np.clip(np.maximum(right, middle + neighbours // 2), None, len(values))
    sums = np.concatenate([np.zeros((1, truth.shape[1])), np.cumsum(truth[order], axis=0)])
    count = (high - low)[:, None]
    mean: Numbers = (sums[high] - sums[low]) / np.maximum(count, 1)
    return mean if neighbours else np.where(count >= _MIN_ROWS_OF_CATEGORY, mean, truth.mean(axis=0))


def _area(scores: Numbers, is_positive: npt.NDArray[np.bool_]) -> float:
    ranks = pl.Series(scores).round(9).rank("average").to_numpy()
    positives = int(is_positive.sum())
    above = float(ranks[is_positive].sum()) - positives * (positives + 1) / 2
    return above / (positives * (len(scores) - positives))
