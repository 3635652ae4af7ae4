"""A LightGBM model, from its text format, as nodes of an ONNX graph that compute in float64 what LightGBM computes.

The usual converter (onnxmltools) writes thresholds as float32, so that rows near a split go the other way, and makes
a chain of nodes of every set of categories. `TreeEnsemble` (ai.onnx.ml 5) has neither limit: its thresholds and leaves
are float64, and a node may test membership in a set.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mlops_lab.registry.engines.lightgbm_text import Forest, LightgbmTree, read_forest

_AT_MOST, _MEMBER = 0, 6
"""Modes of a node: true where the input is at most the threshold, or in the set."""


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
    """Nodes that turn a float64 matrix of shape (rows, inputs) into answers of shape (rows, outputs).

    InvalidInput where the model does something that no node computes in the same way.
    """
    forest = read_forest(text)
    ensemble = _Ensemble()
    for number, tree in enumerate(forest.trees):
        _add_tree(ensemble, tree, target=number % forest.outputs)
    scores = helper.make_node(
        "TreeEnsemble",
        ["prepared"],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=forest.outputs,
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
    categories = {index for index, mode in zip(ensemble.features, ensemble.modes, strict=True) if mode == _MEMBER}
    prepared = _prepare(inputs, "prepared", categorical=[index in categories for index in range(forest.width)])
    share = helper.make_node("Div", ["scores", "divisor"], ["mean_scores"])
    return [*prepared, scores, _constant("divisor", forest.divisor), share, *_to_answers(forest, "mean_scores", output)]


def _prepare(inputs: str, output: str, *, categorical: list[bool]) -> list[NodeProto]:
    """Inputs as LightGBM reads them: tiny numbers are zero, and a missing category is -1, which is in no set.

    No comparison and no set ever sees NaN where runtimes would differ.
    """
    return [
        _constant("smallest_size", float(np.float32(1e-35))),
        _constant("zero", 0.0),
        _constant("no_category", -1.0),
        helper.make_node("Constant", [], ["are_categories"], value=numpy_helper.from_array(np.array([categorical]))),
        helper.make_node("Abs", [inputs], ["sizes"]),
        helper.make_node("Greater", ["sizes", "smallest_size"], ["are_large"]),
        helper.make_node("IsNaN", [inputs], ["are_missing"]),
        helper.make_node("Or", ["are_large", "are_missing"], ["stay"]),
        helper.make_node("Where", ["stay", inputs, "zero"], ["numbers"]),
        helper.make_node("And", ["are_missing", "are_categories"], ["are_no_categories"]),
        helper.make_node("Where", ["are_no_categories", "no_category", "numbers"], [output]),
    ]


def _add_tree(ensemble: _Ensemble, tree: LightgbmTree, *, target: int) -> None:
    first_node, first_leaf = len(ensemble.features), len(ensemble.weights)
    ensemble.roots.append(first_node)
    ensemble.targets += [target] * len(tree.leaves)
    ensemble.weights += tree.leaves
    if not tree.splits:  # one node, with the same leaf on both sides
        _add_node(ensemble, 0, 0.0, _AT_MOST, missing_is_true=True)
        for side in (True, False):
            ensemble.children[side].append(first_leaf)
            ensemble.are_leaves[side].append(1)
    for split in tree.splits:
        if split.members is not None:
            ensemble.members += [*map(float, split.members), np.nan]
            _add_node(ensemble, split.input_index, np.nan, _MEMBER, missing_is_true=False)
        else:
            _add_node(ensemble, split.input_index, split.threshold, _AT_MOST, missing_is_true=split.missing_goes_left)
        for side, child in ((True, split.left), (False, split.right)):
            ensemble.children[side].append(first_node + child if child >= 0 else first_leaf + ~child)
            ensemble.are_leaves[side].append(int(child < 0))


def _add_node(ensemble: _Ensemble, feature: int, split: float, mode: int, *, missing_is_true: bool) -> None:
    ensemble.features.append(feature)
    ensemble.splits.append(split)
    ensemble.modes.append(mode)
    ensemble.missing_is_true.append(int(missing_is_true))


def _to_answers(forest: Forest, scores: str, output: str) -> list[NodeProto]:
    """Nodes that turn sums of leaves into answers."""
    if forest.transform == "sigmoid":
        times = helper.make_node("Mul", [scores, "steepness"], ["steep_scores"])
        sigmoid = helper.make_node("Sigmoid", ["steep_scores"], [output])
        return [_constant("steepness", forest.steepness), times, sigmoid]
    if forest.transform == "square":
        return [helper.make_node("Abs", [scores], ["size"]), helper.make_node("Mul", [scores, "size"], [output])]
    if forest.transform == "softmax":
        return [helper.make_node("Softmax", [scores], [output], axis=1)]
    return [helper.make_node({"plain": "Identity", "exp": "Exp"}[forest.transform], [scores], [output])]


def _doubles(values: list[float]) -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=np.float64))


def _constant(name: str, value: float) -> NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(value, dtype=np.float64)))
