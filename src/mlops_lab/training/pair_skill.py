"""Sums and differences of columns that leave nothing to predict, though no column alone does: `casual + registered`.

For a number also products, ratios, and exact sums of more than two columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from mlops_lab.training.column_skill import MIN_ROWS, ColumnSkill, Numbers, measure_skill

ROWS = 5_000
"""So many rows, drawn at random, are looked at."""
_COLUMNS = 6
_MOST_TIMES = 10
_EXACT = 1e-4
_MUCH_LESS = 0.25
_SEED = 0


@dataclass(frozen=True)
class Combination:
    """Columns that together tell the target: how they are combined, as a formula, and how well that predicts it."""

    names: tuple[str, ...]
    formula: str
    found: ColumnSkill | None

    def __str__(self) -> str:
        return f"{self.formula} ({self.found})" if self.found else f"{self.formula} is the target, exactly"


def find_combination(columns: pl.DataFrame, truth: pl.Series, *, has_classes: bool) -> Combination | None:
    """The combination of numbers or moments that predicts the target nearly perfectly, and far better than each alone.

    Tried are those pairs that a linear fit, or the correlation, finds the most telling.
    """
    numbers = columns.select(pl.selectors.numeric() | pl.selectors.temporal())
    if numbers.width < 2:
        return None
    given = numbers.select(pl.all().to_physical().cast(pl.Float64)).with_columns(truth.alias("\0truth"))
    given = given.filter(_is_known(pl.col("\0truth"), truth.dtype))
    given = given.sample(min(ROWS, given.height), seed=_SEED)
    truth, given = given["\0truth"], given.drop("\0truth")
    usable = [
        column.name
        for column in given
        if column.is_finite().fill_null(value=False).mean() > 0.9 and column.n_unique() > 1  # type: ignore[operator]
    ]
    given = given.select(usable)
    if given.width < 2 or given.height < MIN_ROWS or truth.n_unique() < 2:
        return None
    matrix, target = _standardise(given), _to_targets(truth, has_classes=has_classes)
    weights: Numbers = np.linalg.lstsq(matrix, target, rcond=None)[0].astype(np.float64)
    if not has_classes and (found := _find_exact_sum(given, truth, weights[:, 0])):
        return found
    strength = (np.abs(weights).max(axis=1), np.abs(matrix.T @ target).max(axis=1))
    telling = sorted({int(index) for how in strength for index in np.argsort(-how)[:_COLUMNS]})
    return _find_pair(given.select(given.columns[index] for index in telling), truth, has_classes=has_classes)


def _is_known(truth: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    return truth.is_finite() if dtype.is_float() else truth.is_not_null()


def _standardise(given: pl.DataFrame) -> Numbers:
    matrix = given.fill_nan(None).with_columns(pl.all().replace([np.inf, -np.inf], None)).to_numpy().astype(np.float64)
    centred = np.nan_to_num(matrix - np.nanmean(matrix, axis=0))
    spread = centred.std(axis=0)
    standard: Numbers = centred / np.where(spread > 0, spread, 1)
    return standard


def _to_targets(truth: pl.Series, *, has_classes: bool) -> Numbers:
    if not has_classes:
        values = truth.cast(pl.Float64).to_numpy()
        number: Numbers = ((values - values.mean()) / values.std())[:, None]
        return number
    codes = truth.rank("dense").to_numpy()
    is_class: Numbers = (codes[:, None] == np.unique(codes)).astype(np.float64)
    centred: Numbers = is_class - is_class.mean(axis=0)
    return centred


def _find_exact_sum(given: pl.DataFrame, truth: pl.Series, weights: Numbers) -> Combination | None:
    """The sum, each column so many times, that is the target but for a constant."""
    values, target = given.to_numpy(), truth.cast(pl.Float64).to_numpy()
    times = np.rint(weights * target.std() / np.nanstd(values, axis=0))
    used = np.flatnonzero(times)
    if len(used) < 2 or np.abs(times).max() > _MOST_TIMES:
        return None
    rest = target - values[:, used] @ times[used]
    rest = rest[np.isfinite(rest)]
    if len(rest) < MIN_ROWS or rest.std() > _EXACT * target.std():
        return None
    terms = [(int(times[index]), given.columns[index]) for index in sorted(used, key=lambda index: times[index] < 0)]
    signs = [" + " if count > 0 else " - " for count, _ in terms]
    parts = [name if abs(count) == 1 else f"{abs(count)} {name}" for count, name in terms]
    formula = "".join(sign + part for sign, part in zip(signs, parts, strict=True)).strip(" +")
    return Combination(tuple(name for _, name in terms), formula, None)


_Operation = Callable[[pl.Series, pl.Series], pl.Series]
_OF_CLASSES: dict[str, _Operation] = {"+": lambda one, other: one + other, "-": lambda one, other: one - other}
_OF_NUMBERS: dict[str, _Operation] = {"×": lambda one, other: one * other, "/": lambda one, other: one / other}


def _find_pair(given: pl.DataFrame, truth: pl.Series, *, has_classes: bool) -> Combination | None:
    """The pair that predicts best, where that is nearly perfect and leaves much less error than either alone."""
    alone = {column.name: _skill(measure_skill(column, truth, has_classes=has_classes)) for column in given}
    found: list[Combination] = []
    for left, right, sign, values in _combine(given, has_classes=has_classes):
        skill = measure_skill(values, truth, has_classes=has_classes)
        if skill is None or not skill.is_nearly_perfect:
            continue
        if 1 - skill.skill <= _MUCH_LESS * (1 - max(alone[left], alone[right])):
            found.append(Combination((left, right), f"{left} {sign} {right}", skill))
    return max(found, key=lambda combination: _skill(combination.found), default=None)


def _skill(found: ColumnSkill | None) -> float:
    return found.skill if found else 0.0


def _combine(given: pl.DataFrame, *, has_classes: bool) -> Iterator[tuple[str, str, str, pl.Series]]:
    operations = _OF_CLASSES if has_classes else _OF_CLASSES | _OF_NUMBERS
    for left, right in combinations(given.columns, 2):
        for sign, operation in operations.items():
            yield left, right, sign, operation(given[left], given[right])
