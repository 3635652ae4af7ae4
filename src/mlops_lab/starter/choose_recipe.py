"""Which recipe fits a table best: each is trained on a part of the rows and judged on others, several times."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.clock import EPOCH
from mlops_lab.features.definition import Features
from mlops_lab.gates.sanity import average_gap
from mlops_lab.project import PIPELINE_NAME
from mlops_lab.project.sections import GatesSection
from mlops_lab.registry.columns import Answers
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.starter.model_text import ModelInputs, write_model
from mlops_lab.starter.recipe import LINE, Recipe, list_trees
from mlops_lab.tasks.base import Task, to_series
from mlops_lab.training.fit import Fitted, fit_estimator, make_estimator
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet
from mlops_lab.tuning.folds import cut_folds, fold_rows

MIN_ROWS = 60
"""Fewer rows compare nothing."""
ROWS, CELLS = 20_000, 600_000
"""The most rows that are compared on, and numbers in them; fewer of several classes: each has trees of its own."""
_FEW_ROWS, _MANY_ROWS = 1_000, 5_000
_BINS = {"max_bin": 63}
"""Of each number, where there are several classes: on so few rows trees of 255 bins are hardly better, and slower."""
_SEED = 0
_BY_CHANCE = 0.5
"""So many standard errors. With one, as is usual (Hastie et al., The Elements of Statistical Learning, 7.10), too much
is given away: on 46 public tables of fewer than 2,500 rows 0.4 % of the loss on average."""

IsServed = Callable[[str, TrainingSet], bool]
"""Whether the estimator of the text of a `model()` is served as it was trained on these rows."""


_FOLDS_IN_ORDER = 2
"""Then each tests as far ahead as the gates do: on a quarter of the rows."""


@dataclass(frozen=True)
class ChosenRecipe:
    """The recipe, the mean loss of every recipe that was compared, the rows compared on, and how they were split. Those
    in `off` were not chosen, because their answers to the latest rows are too far off on average; those with a lower
    loss than the recipe in `by_chance`, because they may be so by chance, and it is simpler."""

    recipe: Recipe
    losses: dict[str, float]
    loss_name: str = ""
    rows: int = 0
    split: str = ""
    off: frozenset[str] = frozenset()
    by_chance: frozenset[str] = frozenset()

    @property
    def note(self) -> str:
        """What was chosen and what it was compared with, in a sentence."""
        if not self.losses:
            return f"the model: {self.recipe.name}; there are too few rows to compare it with others"
        others = ", ".join(
            f"{self.losses[name]:.4g} of {self._name(name)}" for name in self._ranked if name != self.recipe.name
        )
        loss = f"{self.loss_name} {self.losses[self.recipe.name]:.4g}"
        return f"the model: {self.recipe.name}; {loss} against {others} ({self.split}, {self.rows:,} rows)"

    @property
    def comparison(self) -> list[str]:
        """The lines that say what was compared, the best first."""
        if not self.losses:
            return [f"Too few rows to compare models: {self.recipe.name}."]
        lines = [f"Chosen by {self.loss_name} on rows not trained on ({self.split}, {self.rows:,} rows):"]
        return lines + [f"  {self.losses[name]:.4g}  {self._name(name)}" for name in self._ranked]

    @property
    def _ranked(self) -> list[str]:
        return sorted(self.losses, key=lambda name: self.losses[name])

    def _name(self, name: str) -> str:
        if name in self.off:
            return f"{name} (too far off on average)"
        return f"{name} (not better beyond chance, and less simple)" if name in self.by_chance else name


def sample_size(columns: int, classes: int) -> int:
    """How many rows are compared on, of a table with so many columns and classes."""
    return min(ROWS, max(CELLS // (max(columns, 1) * max(classes, 1)), 1_000))


def choose_recipe(
    task: Task,
    inputs: pl.DataFrame,
    truth: pl.Series,
    *,
    rows: int,
    kinds: ModelInputs,
    moments: pl.Series | None = None,
    is_served: IsServed | None = None,
) -> ChosenRecipe:
    """The recipe with the lowest mean loss on rows that it was not trained on, for a table of `rows` rows; a linear
    model where it is within half a standard error of that: of few rows, chance decides what is lowest, and a line goes
    wrong least.

    `inputs` are (a sample of) its rows. With `moments`, rows are in their order, and each fold tests on later rows than
    it trains on; without, rows are drawn at random. Compared are trees of several sizes, a linear model, and means
    of the two best trees and it. `is_served` is asked before one is chosen that is not LightGBM alone.
    """
    trees = list_trees(task.kind, rows)
    if inputs.height < MIN_ROWS or truth.n_unique() < 2:
        return ChosenRecipe(trees[0], {})
    folds = list(_make_folds(as_training_set(task, inputs, truth, moments=moments), in_order=moments is not None))
    if not folds:
        return ChosenRecipe(trees[0], {})
    trial = _Trial(task, kinds, folds, inputs.height)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = {recipe.name: trial.ask(recipe) for recipe in (*trees, LINE)}
        best, second = sorted(trees, key=lambda recipe: trial.loss(answers[recipe.name]))[:2]
        answers |= trial.blend(best, second, answers)
    losses = {name: trial.loss(given) for name, given in answers.items()}
    recipes = (*trees, LINE, *_list_blends(best, second))
    off = frozenset(name for name, given in answers.items() if trial.is_off(given))
    ranked = sorted(recipes, key=lambda recipe: (recipe.name in off, losses[recipe.name]))
    by_chance: frozenset[str] = frozenset()
    if LINE.name not in off and trial.is_as_good(answers[LINE.name], answers[ranked[0].name]):
        by_chance = frozenset(name for name in losses if losses[name] < losses[LINE.name])
        ranked.sort(key=lambda recipe: recipe is not LINE)
    how = "at random" if moments is None else "each later than what it was trained on"
    split = f"{len(folds)} {'fold' if len(folds) == 1 else 'folds'}, {how}"
    for recipe in ranked:
        is_plain = not recipe.has_line and not recipe.is_blend and not kinds.text
        if is_plain or is_served is None or is_served(trial.write(recipe), folds[0]):
            kept = by_chance if recipe is LINE else frozenset()
            return ChosenRecipe(recipe, losses, task.loss_name, inputs.height, split, off - {recipe.name}, kept)
    raise AssertionError("trees alone are always served")


@dataclass(frozen=True)
class _Trial:
    """The folds that all recipes are tried on. `rows`: how many they have: for few of them one thread is faster."""

    task: Task
    kinds: ModelInputs
    folds: list[TrainingSet]
    rows: int

    def ask(self, recipe: Recipe) -> list[Answers]:
        """The answers of the recipe to the held-out rows of each fold."""
        text = self.write(recipe.with_parameters(_BINS) if self.task.kind == "multiclass" else recipe)
        return [_answer(fit_text(text, fold), fold.holdout_inputs) for fold in self.folds]

    def blend(self, best: Recipe, second: Recipe, answers: dict[str, list[Answers]]) -> dict[str, list[Answers]]:
        """The answers of the blends of the two best trees and a line, from the answers of each.

        Only where there are categories, which trees in a blend are given otherwise than alone, are more models trained.
        """
        both, with_line, all_three = _list_blends(best, second)
        line, one, other = (answers[recipe.name] for recipe in (LINE, best, second))
        blended = {both.name: _mean(one, other), with_line.name: _mean(one, line)}
        if self.kinds.categories and not self.kinds.text:
            blended = {recipe.name: self.ask(recipe) for recipe in (both, with_line)}
        return blended | {all_three.name: _mean(blended[both.name], blended[both.name], line)}

    def write(self, recipe: Recipe) -> str:
        """The text of its `model()`."""
        kinds = self.kinds
        return write_model(
            self.task.kind,
            rows=self.rows,
            numbers=kinds.numbers,
            categories=kinds.categories,
            text=kinds.text,
            recipe=recipe,
        )

    def loss(self, answers: list[Answers]) -> float:
        """The mean loss of the answers to all held-out rows."""
        return float(self._losses(answers).mean())

    def is_as_good(self, answers: list[Answers], best: list[Answers]) -> bool:
        """Whether the loss of answers is within half a standard error of the loss of the best: of their difference, row
        by row. A row that is held out several times counts once."""
        more = self._losses(answers) - self._losses(best)
        different = min(len(more), self.rows)
        return bool(more.mean() <= _BY_CHANCE * more.std() / np.sqrt(different))

    def _losses(self, answers: list[Answers]) -> np.ndarray[Any, Any]:
        losses = [
            self.task.losses(fold.holdout_truth, to_series(given)).to_numpy()
            for fold, given in zip(self.folds, answers, strict=True)
        ]
        return np.concatenate(losses)

    def is_off(self, answers: list[Answers]) -> bool:
        """Whether the answers to the latest fold are further off on average than the gate `sanity` allows, and not by
        chance. That gate tests on more rows, later after the training: what is off here is further off there."""
        fold = self.folds[-1]
        gap, by_chance = average_gap(fold.task, fold.holdout_truth, to_series(answers[-1]))
        return not gap <= max(by_chance, GatesSection().max_calibration_gap)


def _list_blends(best: Recipe, second: Recipe) -> tuple[Recipe, Recipe, Recipe]:
    """The two best trees, the best and a line, and all three."""
    both = best.blended(second)
    return both, best.blended(LINE), both.blended(LINE)


def _mean(*answers: list[Answers]) -> list[Answers]:
    return [sum(given) / len(given) for given in zip(*answers, strict=True)]


def fit_text(text: str, rows: TrainingSet) -> Fitted:
    """The estimator that the text of a `model()` makes, trained on the rows."""
    found: dict[str, Any] = {"Any": Any}
    exec(compile(text, PIPELINE_NAME, "exec"), found)
    pipeline = Pipeline(Features(rows.inputs.columns), found["model"], "")
    return fit_estimator(pipeline, make_estimator(pipeline), rows)


def _answer(fitted: Fitted, inputs: pl.DataFrame) -> Answers:
    return OutputMapping(fitted).of_rows(fitted.predict(inputs))


def as_training_set(
    task: Task,
    inputs: pl.DataFrame,
    truth: pl.Series,
    *,
    moments: pl.Series | None = None,
    asked: tuple[pl.DataFrame, pl.Series] | None = None,
) -> TrainingSet:
    """The rows as a training set that comes from no lake; `asked` are held-out rows and their truth."""
    return TrainingSet(
        task=task,
        inputs=inputs,
        truth=truth,
        weights=None,
        moments=pl.Series(range(len(truth))) if moments is None else moments,
        holdout=pl.DataFrame(),
        holdout_inputs=asked[0] if asked else inputs.clear(),
        holdout_truth=asked[1] if asked else truth.clear(),
        cutoff=EPOCH,
        until=EPOCH,
        snapshots=(),
        fingerprint="",
    )


def _make_folds(rows: TrainingSet, *, in_order: bool) -> Iterator[TrainingSet]:
    """The training sets of the folds; none that would be trained on rows of one class."""
    height = rows.inputs.height
    trees = height * (rows.truth.n_unique() if rows.task.kind == "multiclass" else 1)  # each class has its own
    tested = 1 if trees >= _MANY_ROWS else 5
    if in_order:
        latest = cut_folds(rows.moments, _FOLDS_IN_ORDER)[-tested:]
        folds: Iterator[TrainingSet] = (fold_rows(rows, fold) for fold in latest)
    else:
        folds = _draw_folds(rows, folds=max(tested, 4), tested=tested, times=3 if trees < _FEW_ROWS else 1)
    for fold in folds:
        if fold.truth.n_unique() > 1 and fold.holdout_inputs.height:
            yield fold


def _draw_folds(rows: TrainingSet, *, folds: int, tested: int, times: int) -> Iterator[TrainingSet]:
    """The first of some random folds; each has as much of every class, or of low and high numbers, as the others."""
    random = np.random.default_rng(_SEED)
    truth = rows.truth.to_numpy()
    for _ in range(times):
        shuffled = random.permutation(len(truth))
        place = np.empty(len(truth), dtype=np.int64)
        place[shuffled[np.argsort(truth[shuffled], kind="stable")]] = np.arange(len(truth)) % folds
        for fold in range(tested):
            learn, ask = pl.Series(place != fold), pl.Series(place == fold)
            yield replace(
                rows,
                inputs=rows.inputs.filter(learn),
                truth=rows.truth.filter(learn),
                moments=rows.moments.filter(learn),
                holdout_inputs=rows.inputs.filter(ask),
                holdout_truth=rows.truth.filter(ask),
            )
