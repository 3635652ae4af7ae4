"""A LightGBM model, from its text format, as nodes of an ONNX graph that compute in float64 what LightGBM computes.

The usual converter (onnxmltools) writes thresholds as float32, so that rows beside a split go the other way, and makes
a chain of nodes of every set of categories. `TreeEnsemble` (ai.onnx.ml 5) has neither limit: its thresholds and leaves
are float64, and a node may test membership in a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mlops_lab.errors import InvalidInput

_AT_MOST, _MEMBER = 0, 6
"""Modes of a node: true where the input is at most the threshold, or in the set."""
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_SHIFT, _ZERO_IS_MISSING, _NAN_IS_MISSING = 2, 1, 2
"""How `decision_type` is written (LightGBM: include/LightGBM/tree.h)."""


@dataclass
class _Ensemble:
    """The attributes of `TreeEnsemble`, node by node."""

    roots: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    missing_is_true: list[int] = field(default_factory=list)
    children: dict[bool, list[int]] = field(default_factory=lambda: {True: [], False: []})
    are_leaves: dict[bool, list[int]] = field(default_factory=lambda: {True: [], False: []})
    members: list[float] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


def lightgbm_nodes(text: str, *, inputs: str, output: str) -> list[NodeProto]:
    """Nodes from a float64 matrix of shape (rows, inputs) to answers of shape (rows, outputs).

    InvalidInput where the model has what no node computes alike.
    """
    head, *trees = _sections(text)
    targets = int(head["num_tree_per_iteration"])
    ensemble = _Ensemble()
    for number, tree in enumerate(trees):
        _add_tree(ensemble, tree, target=number % targets)
    scores = helper.make_node(
        "TreeEnsemble",
        ["settled"],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=targets,
        aggregate_function=1,  # the sum
        post_transform=0,
        tree_roots=ensemble.roots,
        nodes_featureids=ensemble.features,
        nodes_splits=_doubles(ensemble.splits),
        nodes_modes=numpy_helper.from_array(np.array(ensemble.modes, dtype=np.uint8)),
        nodes_missing_value_tracks_true=ensemble.missing_is_true,
        nodes_truenodeids=ensemble.children[True],
        nodes_trueleafs=ensemble.are_leaves[True],
        nodes_falsenodeids=ensemble.children[False],
        nodes_falseleafs=ensemble.are_leaves[False],
        leaf_targetids=ensemble.targets,
        leaf_weights=_doubles(ensemble.weights),
        **({"membership_values": _doubles(ensemble.members)} if ensemble.members else {}),
    )
    categories = {place for place, mode in zip(ensemble.features, ensemble.modes, strict=True) if mode == _MEMBER}
    width = int(head["max_feature_idx"]) + 1
    settle = _settle(inputs, "settled", categorical=[place in categories for place in range(width)])
    if "average_output" not in head:
        return [*settle, scores, *_to_answers(head["objective"], "scores", output)]
    mean = _constant("number_of_trees", len(trees) / targets)
    share = helper.make_node("Div", ["scores", "number_of_trees"], ["mean_scores"])
    answers = _to_answers(head["objective"], "mean_scores", output)
    return [*settle, scores, mean, share, *answers]


def split_thresholds(text: str) -> dict[int, list[float]]:
    """The numbers at which each input is split, by its place; in order."""
    found: dict[int, set[float]] = {}
    for tree in _sections(text)[1:]:
        kinds = map(int, tree.get("decision_type", "").split())
        for kind, place, threshold in zip(kinds, tree["split_feature"].split(), tree["threshold"].split(), strict=True):
            if not kind & _CATEGORICAL:
                found.setdefault(int(place), set()).add(float(threshold))
    return {place: sorted(thresholds) for place, thresholds in found.items()}


def _settle(inputs: str, output: str, *, categorical: list[bool]) -> list[NodeProto]:
    """Inputs as LightGBM takes them: what is as good as zero is zero, and no category is one that no set has.

    Nothing is left to what a comparison or a set says of NaN, for there the runtimes differ.
    """
    return [
        _constant("as_good_as_zero", float(np.float32(1e-35))),
        _constant("zero", 0.0),
        _constant("no_category", -1.0),
        helper.make_node("Constant", [], ["are_categories"], value=numpy_helper.from_array(np.array([categorical]))),
        helper.make_node("Abs", [inputs], ["sizes"]),
        helper.make_node("Greater", ["sizes", "as_good_as_zero"], ["are_large"]),
        helper.make_node("IsNaN", [inputs], ["are_missing"]),
        helper.make_node("Or", ["are_large", "are_missing"], ["stay"]),
        helper.make_node("Where", ["stay", inputs, "zero"], ["numbers"]),
        helper.make_node("And", ["are_missing", "are_categories"], ["are_no_categories"]),
        helper.make_node("Where", ["are_no_categories", "no_category", "numbers"], [output]),
    ]


def _sections(text: str) -> list[dict[str, str]]:
    """The lines `key=value` of the model's head, and of each tree."""
    parts = text.split("end of trees")[0].split("\nTree=")
    return [dict(line.partition("=")[::2] for line in part.splitlines()) for part in parts]


def _add_tree(ensemble: _Ensemble, tree: Mapping[str, str], *, target: int) -> None:
    if tree.get("is_linear") == "1":
        raise _no_graph("it has linear models in its leaves", "train it without linear_tree")
    first_node, first_leaf = len(ensemble.features), len(ensemble.weights)
    leaves = _numbers(tree, "leaf_value", float)
    ensemble.roots.append(first_node)
    ensemble.targets += [target] * len(leaves)
    ensemble.weights += leaves
    if len(leaves) == 1:  # no split: a node that comes to the same either way
        _add_node(ensemble, 0, 0.0, _AT_MOST, missing_is_true=True)
        for side in (True, False):
            ensemble.children[side].append(first_leaf)
            ensemble.are_leaves[side].append(1)
        return
    sets = list(_category_sets(tree))
    for kind, place, threshold in zip(
        _numbers(tree, "decision_type", int),
        _numbers(tree, "split_feature", int),
        _numbers(tree, "threshold", float),
        strict=True,
    ):
        if kind & _CATEGORICAL:
            ensemble.members += [*sets[int(threshold)], np.nan]
            _add_node(ensemble, place, np.nan, _MEMBER, missing_is_true=False)
        else:
            _add_node(ensemble, place, threshold, _AT_MOST, missing_is_true=_goes_left(kind, threshold))
    for side, name in ((True, "left_child"), (False, "right_child")):
        for child in _numbers(tree, name, int):  # a leaf is written as its number's complement
            ensemble.children[side].append(first_node + child if child >= 0 else first_leaf + ~child)
            ensemble.are_leaves[side].append(int(child < 0))


def _add_node(ensemble: _Ensemble, place: int, split: float, mode: int, *, missing_is_true: bool) -> None:
    ensemble.features.append(place)
    ensemble.splits.append(split)
    ensemble.modes.append(mode)
    ensemble.missing_is_true.append(int(missing_is_true))


def _goes_left(kind: int, threshold: float) -> bool:
    """Where a missing number goes: where the node says, or, if none was missing when it was learned, where 0 goes."""
    missing = kind >> _MISSING_SHIFT & 3
    if missing == _ZERO_IS_MISSING:
        raise _no_graph("it takes zeros as missing", "train it without zero_as_missing")
    return bool(kind & _DEFAULT_LEFT) if missing == _NAN_IS_MISSING else threshold >= 0


def _category_sets(tree: Mapping[str, str]) -> Iterator[list[float]]:
    """The codes of each set, which are kept as bits of 32-bit words."""
    if int(tree["num_cat"]):
        bounds, words = _numbers(tree, "cat_boundaries", int), _numbers(tree, "cat_threshold", int)
        for begin, end in pairwise(bounds):
            bits = enumerate(words[begin:end])
            yield [float(32 * number + bit) for number, word in bits for bit in range(32) if word >> bit & 1]


def _to_answers(objective: str, scores: str, output: str) -> list[NodeProto]:
    """From sums of leaves to answers, as the objective has it (LightGBM: src/objective, ConvertOutput)."""
    kind, *options = objective.split()
    said = dict(option.partition(":")[::2] for option in options)
    if kind in {"binary", "multiclassova", "cross_entropy"}:
        steepness = _constant("steepness", float(said.get("sigmoid", 1.0)))
        times = helper.make_node("Mul", [scores, "steepness"], ["steep_scores"])
        return [steepness, times, helper.make_node("Sigmoid", ["steep_scores"], [output])]
    if kind == "multiclass":
        return [helper.make_node("Softmax", [scores], [output], axis=1)]
    if kind in {"poisson", "gamma", "tweedie"}:
        return [helper.make_node("Exp", [scores], [output])]
    plain = {"regression", "regression_l1", "huber", "fair", "quantile", "mape"}
    if kind in plain and "sqrt" in said:
        return [helper.make_node("Abs", [scores], ["size"]), helper.make_node("Mul", [scores, "size"], [output])]
    if kind in plain:
        return [helper.make_node("Identity", [scores], [output])]
    raise _no_graph(f"its objective is {kind}", "train it for a usual one: binary, multiclass, regression, poisson …")


def _numbers(tree: Mapping[str, str], name: str, kind: Callable[[str], Any]) -> list[Any]:
    return [kind(word) for word in tree[name].split()]


def _doubles(values: list[float]) -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=np.float64))


def _constant(name: str, value: float) -> NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(value, dtype=np.float64)))


def _no_graph(why: str, hint: str) -> InvalidInput:
    return InvalidInput(
        f"the model cannot be written as an ONNX graph: {why}", code="not_convertible", where="model.txt", hint=hint
    )
