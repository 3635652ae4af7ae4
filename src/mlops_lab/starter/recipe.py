"""The models that `mlops init` chooses from, by the number of rows: trees of several sizes, a linear model, a blend.

`starter.choose_recipe` compares them on the table; benchmarks/bench_recipe.py compares what it chooses with LightGBM's
defaults and with a linear model on public tables.

- **below 2,000 rows** trees overfit: few leaves, and split points drawn at random or as good as possible.
- **below 50,000** there are enough rows for the best split points: 8 leaves for classes, since log loss punishes
  overconfident probabilities, and of 15 for numbers, or more of 31.
- **from there on** 400 trees of 31 leaves; at a rate of 0.1 for several classes, where each tree changes little. They
  still take minutes with 10 million rows on two cores.

LightGBM's own defaults are always among them. The minimum of rows in a leaf (3 to 20) and in a group of categories (5
to 100) grows with the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

SMALL_ROWS, MEDIUM_ROWS = 2_000, 50_000


@dataclass(frozen=True)
class Trees:
    """Parameters of LightGBM, their name in words, and the reason that stands above them."""

    name: str
    parameters: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class Recipe:
    """A model to be written: trees, a linear model, or the mean of several."""

    trees: tuple[Trees, ...] = ()
    has_line: bool = False

    @property
    def name(self) -> str:
        """What it is, in words."""
        parts = [trees.name for trees in self.trees] + (["a linear model"] if self.has_line else [])
        return " and ".join(parts) + (", averaged" if self.is_blend else "")

    @property
    def is_blend(self) -> bool:
        """Whether it is the mean of several models."""
        return len(self.trees) + self.has_line > 1

    def blended(self, other: Recipe) -> Recipe:
        """The mean of all models of both."""
        return Recipe(self.trees + other.trees, self.has_line or other.has_line)

    def with_parameters(self, parameters: Mapping[str, Any]) -> Recipe:
        """The same models, all trees with these parameters too."""
        trees = tuple(replace(each, parameters={**each.parameters, **parameters}) for each in self.trees)
        return replace(self, trees=trees)


LINE = Recipe(has_line=True)


def list_trees(task: str, rows: int) -> list[Recipe]:
    """The recipes of trees for a table of this size; the first is taken where nothing can be compared."""
    usual = _recipe("LightGBM's usual trees", {}, "LightGBM's own defaults")
    shared: dict[str, Any] = {"learning_rate": 0.05, "reg_lambda": 1.0}
    if rows < SMALL_ROWS:
        size = {"n_estimators": 300, "num_leaves": 8, "min_child_samples": 3, "colsample_bytree": 0.7, **shared}
        groups = {"min_data_per_group": 5}
        why = f"{rows:,} rows: small trees at random split points, so that none memorises single rows"
        best = f"{rows:,} rows: small trees"
        return [
            _recipe("small trees at random split points", {**size, "extra_trees": True, **groups}, why),
            _recipe("small trees", {**size, **groups}, best),
            usual,
        ]
    if rows < MEDIUM_ROWS:
        small: dict[str, Any] = {"n_estimators": 500, "num_leaves": 8, "min_child_samples": 5, "colsample_bytree": 0.7}
        if task == "regression":
            small = {"n_estimators": 500, "num_leaves": 15, "min_child_samples": 10, "colsample_bytree": 0.85}
        large = {"n_estimators": 500, "num_leaves": 31, "min_child_samples": 10, "colsample_bytree": 0.7}
        groups = {"min_data_per_group": 20}
        return [
            _recipe("many small trees", {**small, **shared, **groups}, f"{rows:,} rows: many small trees"),
            _recipe("many trees", {**large, **shared, **groups}, f"{rows:,} rows: many trees of a usual size"),
            usual,
        ]
    size = {"n_estimators": 400, "num_leaves": 31, "min_child_samples": 20, "colsample_bytree": 0.7, **shared}
    rate = {"learning_rate": 0.1} if task == "multiclass" else {}
    why = f"{rows:,} rows: many trees of a usual size; more trees and leaves gain little and cost time"
    groups = {"min_data_per_group": 100, "cat_smooth": 100}
    return [_recipe("many trees", {**size, **rate, **groups}, why), usual]


def _recipe(name: str, parameters: Mapping[str, Any], reason: str) -> Recipe:
    return Recipe((Trees(name, parameters, reason),))
