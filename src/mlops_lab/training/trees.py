"""The trees inside a fitted estimator, as arrays: where each of them parts rows, and what it sees.

Read from what the libraries themselves write or show; none of them is imported here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

Matrix = npt.NDArray[np.float64]
See = Callable[[pl.DataFrame], Any]
"""From inputs to what a tree is given: a matrix."""
_INSIDE = ("best_estimator_", "regressor_")


@dataclass(frozen=True)
class Tree:
    """One entry a split, the root first: the column and the number at which it parts rows, and the splits on either
    side, -1 for a leaf. `is_number` is False where it parts categories."""

    column: npt.NDArray[np.int64]
    threshold: Matrix
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    is_number: npt.NDArray[np.bool_]


class TreeEnsemble(NamedTuple):
    """Trees that are given the same."""

    see: See
    trees: list[Tree]


def find_trees(estimator: Any, see: See) -> list[TreeEnsemble]:
    """All trees of an estimator that is given what `see` makes of inputs, also those of its parts; not those that are
    given the answers of others (the last of a stack)."""
    groves: dict[See, list[Tree]] = {}
    for seen, tree in _walk(estimator, see):
        groves.setdefault(seen, []).append(tree)
    return [TreeEnsemble(seen, trees) for seen, trees in groves.items()]


def _walk(estimator: Any, see: See) -> Iterator[tuple[See, Tree]]:
    if steps := getattr(estimator, "steps", None):
        before = estimator[:-1]
        inner = (lambda rows: before.transform(see(rows))) if len(steps) > 1 else see
        yield from _walk(steps[-1][1], inner)
        return
    for tree in _trees_of(estimator):
        yield see, tree
    for name in _INSIDE:
        if (inside := getattr(estimator, name, None)) is not None:
            yield from _walk(inside, see)
    for calibrated in getattr(estimator, "calibrated_classifiers_", ()):
        yield from _walk(calibrated.estimator, see)
    parts = getattr(estimator, "estimators_", ())  # a list; of gradient boosting an array of trees
    given = getattr(estimator, "estimators_features_", None)  # of bagging: which columns each part is given
    for place, part in enumerate(parts.ravel() if isinstance(parts, np.ndarray) else parts):
        yield from _walk(part, see if given is None or _is_all(given[place]) else _pick(see, given[place]))


def _is_all(columns: Any) -> bool:
    return np.array_equal(columns, np.arange(len(columns)))


def _pick(see: See, columns: Any) -> See:
    return lambda rows: see(rows)[:, columns]


def _trees_of(estimator: Any) -> Iterator[Tree]:
    """Those of its own."""
    if hasattr(estimator, "tree_"):  # scikit-learn's
        tree = estimator.tree_
        leaf = tree.children_left < 0
        yield from _grow(tree.feature, tree.threshold, tree.children_left, tree.children_right, leaf, ~leaf)
    for nodes in (part.nodes for parts in getattr(estimator, "_predictors", ()) for part in parts):
        leaf, number = nodes["is_leaf"] > 0, nodes["is_categorical"] == 0  # histogram boosting
        yield from _grow(nodes["feature_idx"], nodes["num_threshold"], nodes["left"], nodes["right"], leaf, number)
    if hasattr(type(estimator), "booster_"):
        yield from trees_of_lightgbm(estimator.booster_.model_to_string())
    elif hasattr(type(estimator), "get_booster"):
        yield from _of_xgboost(bytes(estimator.get_booster().save_raw("json")))
    elif hasattr(type(estimator), "get_borders"):  # CatBoost: every row meets every border
        for column, borders in estimator.get_borders().items():
            for border in borders:
                yield from _grow([column], [border], [-1], [-1], [False], [True])


def _grow(column: Any, threshold: Any, left: Any, right: Any, is_leaf: Any, is_number: Any) -> Iterator[Tree]:
    """The tree of nodes of which some are leaves; none where the root is one."""
    leaf = np.append(np.asarray(is_leaf, dtype=bool), True)  # the last stands for -1
    if leaf[0]:
        return
    sides = [np.asarray(side, dtype=np.int64) for side in (left, right)]
    near, far = (np.where(leaf[side], -1, side) for side in sides)
    yield Tree(
        np.asarray(column, dtype=np.int64), np.asarray(threshold, dtype=np.float64), near, far,
        np.asarray(is_number, dtype=bool) & ~leaf[:-1],
    )  # fmt: skip


def trees_of_lightgbm(text: str) -> Iterator[Tree]:
    """Those of LightGBM's text format: blocks of `name=values`; a child below 0 is a leaf."""
    for block in text.split("\nTree=")[1:]:
        found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if found.get("split_feature"):
            column, left, right, kind = (
                np.array(found[name].split(), dtype=np.int64)
                for name in ("split_feature", "left_child", "right_child", "decision_type")
            )
            threshold = np.array(found["threshold"].split(), dtype=np.float64)
            yield Tree(column, threshold, np.maximum(left, -1), np.maximum(right, -1), (kind & 1) == 0)


def _of_xgboost(model: bytes) -> Iterator[Tree]:
    """Out of XGBoost's JSON; a linear booster has none."""
    booster = json.loads(model)["learner"]["gradient_booster"]
    booster = booster.get("gbtree", booster)  # DART keeps its trees one level lower
    for tree in booster["model"].get("trees", ()):
        left = np.array(tree["left_children"], dtype=np.int64)
        number = np.array(tree["split_type"], dtype=np.int64) == 0
        yield from _grow(
            tree["split_indices"], tree["split_conditions"], left, tree["right_children"], left < 0, number
        )


def meet(tree: Tree, matrix: Matrix) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Splits of the tree, and for each a row of the matrix that comes to it, as far as numbers decide the way.

    Which way a missing number or a category goes is not looked up: every other row goes left.
    """
    at, rows = np.zeros(len(matrix), dtype=np.int64), np.arange(len(matrix))
    splits, comers = [], []
    while rows.size:
        here, first = np.unique(at, return_index=True)
        splits.append(here)
        comers.append(rows[first])
        values = matrix[rows, tree.column[at]]
        is_left = np.where(tree.is_number[at] & ~np.isnan(values), values <= tree.threshold[at], rows % 2 == 0)
        at = np.where(is_left, tree.left[at], tree.right[at])
        rows, at = rows[at >= 0], at[at >= 0]
    return np.concatenate(splits), np.concatenate(comers)


def spread(values: Sequence[Any], most: int) -> Sequence[Any]:
    """At most so many of the values, spread over all."""
    if len(values) <= most:
        return values
    return [values[place] for place in np.linspace(0, len(values) - 1, most).astype(int)]
