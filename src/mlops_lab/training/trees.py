"""The trees inside a fitted estimator, as arrays: where each of them splits rows, and what it is given.

They are read from what the libraries themselves write or expose; none of the libraries is imported here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.training.libraries import is_catboost, is_lightgbm, is_xgboost
from mlops_lab.training.number_steps import Matrix

ToInput = Callable[[pl.DataFrame], Any]
"""From inputs to what a tree is given: a matrix."""
_INNER_ESTIMATORS = ("best_estimator_", "regressor_")


@dataclass(frozen=True)
class Tree:
    """One entry for each split, the root first: the column and the number that it compares, and the splits on its left
    and right, -1 for a leaf. `is_number` is False where it splits categories."""

    column: npt.NDArray[np.int64]
    threshold: Matrix
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    is_number: npt.NDArray[np.bool_]


class TreeEnsemble(NamedTuple):
    """Trees that are given the same input."""

    to_input: ToInput
    trees: list[Tree]


def find_trees(estimator: Any, to_input: ToInput) -> list[TreeEnsemble]:
    """All trees of an estimator that is given what `to_input` makes of inputs, and of its parts; but not those that are
    given the answers of other models (the last step of a stack)."""
    ensembles: dict[ToInput, list[Tree]] = {}
    for given, tree in _walk(estimator, to_input):
        ensembles.setdefault(given, []).append(tree)
    return [TreeEnsemble(given, trees) for given, trees in ensembles.items()]


def _walk(estimator: Any, to_input: ToInput) -> Iterator[tuple[ToInput, Tree]]:
    if steps := getattr(estimator, "steps", None):
        before = estimator[:-1]
        inner = (lambda rows: before.transform(to_input(rows))) if len(steps) > 1 else to_input
        yield from _walk(steps[-1][1], inner)
        return
    for tree in _trees_of(estimator):
        yield to_input, tree
    for name in _INNER_ESTIMATORS:
        if (part := getattr(estimator, name, None)) is not None:
            yield from _walk(part, to_input)
    for calibrated in getattr(estimator, "calibrated_classifiers_", ()):
        yield from _walk(calibrated.estimator, to_input)
    parts = getattr(estimator, "estimators_", ())  # a list; of gradient boosting an array of trees
    columns = getattr(estimator, "estimators_features_", None)  # of bagging: which columns each part is given
    for index, part in enumerate(parts.ravel() if isinstance(parts, np.ndarray) else parts):
        yield from _walk(part, to_input if columns is None else _select(to_input, columns[index]))


def _are_first(columns: Any) -> bool:
    return np.array_equal(columns, np.arange(len(columns)))


def _select(to_input: ToInput, columns: Any) -> ToInput:
    """The input with only these columns; the same function where they are the first ones, which keep their indices."""
    return to_input if _are_first(columns) else lambda rows: to_input(rows)[:, columns]


def _trees_of(estimator: Any) -> Iterator[Tree]:
    """The trees of the estimator itself, not of its parts."""
    if hasattr(estimator, "tree_"):  # scikit-learn's
        tree = estimator.tree_
        leaf = tree.children_left < 0
        yield from _make_tree(tree.feature, tree.threshold, tree.children_left, tree.children_right, leaf, ~leaf)
    for nodes in (part.nodes for parts in getattr(estimator, "_predictors", ()) for part in parts):
        leaf, number = nodes["is_leaf"] > 0, nodes["is_categorical"] == 0  # histogram boosting
        yield from _make_tree(nodes["feature_idx"], nodes["num_threshold"], nodes["left"], nodes["right"], leaf, number)
    if is_lightgbm(estimator):
        yield from trees_of_lightgbm(estimator.booster_.model_to_string())
    elif is_xgboost(estimator):
        yield from _trees_of_xgboost(bytes(estimator.get_booster().save_raw("json")))
    elif is_catboost(estimator):  # every row is compared with every border
        for column, borders in estimator.get_borders().items():
            for border in borders:
                yield from _make_tree([column], [border], [-1], [-1], [False], [True])


def _make_tree(column: Any, threshold: Any, left: Any, right: Any, is_leaf: Any, is_number: Any) -> Iterator[Tree]:
    """The tree of nodes of which some are leaves; none where the root is a leaf."""
    leaf = np.append(np.asarray(is_leaf, dtype=bool), True)  # the last stands for -1
    if leaf[0]:
        return
    children = [np.asarray(nodes, dtype=np.int64) for nodes in (left, right)]
    left_splits, right_splits = (np.where(leaf[nodes], -1, nodes) for nodes in children)
    yield Tree(
        np.asarray(column, dtype=np.int64), np.asarray(threshold, dtype=np.float64), left_splits, right_splits,
        np.asarray(is_number, dtype=bool) & ~leaf[:-1],
    )  # fmt: skip


def trees_of_lightgbm(text: str) -> Iterator[Tree]:
    """The trees in LightGBM's text format: blocks of `name=values`; a child below 0 is a leaf."""
    for block in text.split("\nTree=")[1:]:
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if fields.get("split_feature"):
            column, left, right, kind = (
                np.array(fields[name].split(), dtype=np.int64)
                for name in ("split_feature", "left_child", "right_child", "decision_type")
            )
            threshold = np.array(fields["threshold"].split(), dtype=np.float64)
            yield Tree(column, threshold, np.maximum(left, -1), np.maximum(right, -1), (kind & 1) == 0)


def _trees_of_xgboost(model: bytes) -> Iterator[Tree]:
    """The trees in XGBoost's JSON; a linear booster has none."""
    booster = json.loads(model)["learner"]["gradient_booster"]
    booster = booster.get("gbtree", booster)  # DART keeps its trees one level lower
    for tree in booster["model"].get("trees", ()):
        left = np.array(tree["left_children"], dtype=np.int64)
        number = np.array(tree["split_type"], dtype=np.int64) == 0
        yield from _make_tree(
            tree["split_indices"], tree["split_conditions"], left, tree["right_children"], left < 0, number
        )


def find_reaching_rows(tree: Tree, matrix: Matrix) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Splits of the tree, and for each the index of a row of the matrix that reaches it.

    Where a missing number or a category goes is not looked up: every other row goes left there, so that such a row may
    not reach the split in fact.
    """
    current, rows = np.zeros(len(matrix), dtype=np.int64), np.arange(len(matrix))
    splits, reaching = [], []
    while rows.size:
        level, first = np.unique(current, return_index=True)
        splits.append(level)
        reaching.append(rows[first])
        values = matrix[rows, tree.column[current]]
        is_compared = tree.is_number[current] & ~np.isnan(values)
        is_left = np.where(is_compared, values <= tree.threshold[current], rows % 2 == 0)
        current = np.where(is_left, tree.left[current], tree.right[current])
        rows, current = rows[current >= 0], current[current >= 0]
    return np.concatenate(splits), np.concatenate(reaching)


def spread(values: Sequence[Any], most: int) -> Sequence[Any]:
    """At most so many of the values, spread evenly over all."""
    if len(values) <= most:
        return values
    return [values[index] for index in np.linspace(0, len(values) - 1, most).astype(int)]
