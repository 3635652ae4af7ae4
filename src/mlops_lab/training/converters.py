"""What skl2onnx lacks, or converts only almost exactly: converters of the boosting libraries and of two scalers.

The libraries take seconds to import, and some may be missing: each function imports what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from mlops_lab.training.one_hot_converter import convert_one_hot, one_hot_shape

_LIGHTGBM_ZERO = np.float32(1e-35)
"""In a dense matrix LightGBM takes numbers this near to zero for zero, also that at a threshold of minus this."""


@contextmanager
def exact_converters(*, is_given_float64: bool, given_dense: Set[int] = frozenset()) -> Iterator[None]:
    """While it is open, skl2onnx converts with the converters of this module.

    `is_given_float64`: the graph's trees are given float64 by the steps in front of them, not float32. `given_dense`:
    the ids of the estimators known to be given dense matrices.
    """
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.operator_converters import decision_tree, gradient_boosting, random_forest

    _register_converters(is_given_float64=is_given_float64, given_dense=given_dense)
    add_node, add_tree = ModelComponentContainer.add_node, random_forest.add_tree_to_attribute_pairs

    def add_plain_node(container: Any, *arguments: Any, **attributes: Any) -> Any:
        return add_node(container, *arguments, **{name: _to_plain(value) for name, value in attributes.items()})

    def add_tree_with_missing(attributes: Any, is_classifier: bool, tree: Any, *arguments: Any, **options: Any) -> None:
        missing_goes_left = attributes["nodes_missing_value_tracks_true"]
        before = len(missing_goes_left)
        add_tree(attributes, is_classifier, tree, *arguments, **options)
        missing_goes_left[before:] = tree.missing_go_to_left.tolist()

    modules = (decision_tree, gradient_boosting, random_forest)
    ModelComponentContainer.add_node = add_plain_node
    for module in modules:
        module.add_tree_to_attribute_pairs = add_tree_with_missing
    try:
        yield
    finally:
        ModelComponentContainer.add_node = add_node
        for module in modules:
            module.add_tree_to_attribute_pairs = add_tree


def _to_plain(value: Any) -> Any:
    """NumPy's numbers and booleans as Python's: onnx takes no others, and some converters pass them."""
    if isinstance(value, np.ndarray | np.generic):
        return _to_plain(value.tolist())
    if isinstance(value, list):
        return [_to_plain(item) for item in value]
    return int(value) if isinstance(value, bool) else value


def _register_converters(*, is_given_float64: bool, given_dense: Set[int]) -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx._supported_operators import sklearn_classifier_list
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes as of_classifier,
    )
    from skl2onnx.common.shape_calculator import (
        calculate_linear_regressor_output_shapes as of_regressor,
    )
    from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

    probabilities = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    for name, classifier, regressor, convert in _boosting_converters(
        is_given_float64=is_given_float64, given_dense=given_dense
    ):
        if classifier not in sklearn_classifier_list:
            sklearn_classifier_list.append(classifier)
        update_registered_converter(classifier, f"{name}Classifier", of_classifier, convert, options=probabilities)
        update_registered_converter(regressor, f"{name}Regressor", of_regressor, convert, options={"split": None})
    for scaler in (StandardScaler, RobustScaler):
        update_registered_converter(scaler, f"Exact{scaler.__name__}", _same_shape, _convert_scaler, options={})
    update_registered_converter(OneHotEncoder, "GroupedOneHotEncoder", one_hot_shape, convert_one_hot, options={})


def _boosting_converters(
    *, is_given_float64: bool, given_dense: Set[int]
) -> Iterator[tuple[str, type, type, Callable[..., None]]]:
    """Name, classifier, regressor and converter of the boosting libraries that are installed."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    for_float32 = partial(_convert_lightgbm_for_float32, given_dense)
    convert = convert_lightgbm if is_given_float64 else for_float32
    yield "LightGbmLGBM", LGBMClassifier, LGBMRegressor, convert
    try:
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
        from xgboost import XGBClassifier, XGBRegressor

        yield "XGBoostXGB", XGBClassifier, XGBRegressor, convert_xgboost
    except ImportError:
        pass
    try:
        from catboost import CatBoostClassifier, CatBoostRegressor

        yield "CatBoost", CatBoostClassifier, CatBoostRegressor, _convert_catboost
    except ImportError:
        pass


def _convert_lightgbm_for_float32(given_dense: Set[int], scope: Any, operator: Any, container: Any) -> None:
    """LightGBM that is given float32: its float32 thresholds send every float32 number the same way as the float64
    thresholds do. (Where it is given float64, the nearest thresholds send the fewest numbers another way.)"""
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    is_given_dense = id(operator.raw_operator) in given_dense
    convert_lightgbm(scope, operator, _RoundedDown(container, is_given_dense=is_given_dense))


class _RoundedDown:
    """A container that rounds thresholds down to float32: the nearest float32 may lie above the threshold."""

    def __init__(self, container: Any, *, is_given_dense: bool) -> None:
        self._container = container
        self._is_given_dense = is_given_dense

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *arguments: Any, **attributes: Any) -> Any:
        if "nodes_modes" in attributes:
            exact = np.array(attributes["nodes_values"], dtype=np.float64)
            nearest = exact.astype(np.float32)
            is_above = (nearest > exact) & (np.array(attributes["nodes_modes"]) == "BRANCH_LEQ")
            if self._is_given_dense:
                is_above |= nearest == -_LIGHTGBM_ZERO
            attributes["nodes_values"] = np.where(is_above, np.nextafter(nearest, np.float32(-np.inf)), nearest)
        return self._container.add_node(*arguments, **attributes)


def _convert_catboost(scope: Any, operator: Any, container: Any) -> None:
    """CatBoost writes ONNX itself: its only node is copied into the graph."""
    from catboost.utils import convert_to_onnx_object
    from onnx.helper import get_attribute_value

    node = convert_to_onnx_object(operator.raw_operator).graph.node[0]
    attributes = {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
    container.add_node(
        node.op_type,
        operator.input_full_names,
        operator.output_full_names,
        op_domain="ai.onnx.ml",
        op_version=1,
        name=scope.get_unique_operator_name("CatBoost"),
        **{name: value.decode() if isinstance(value, bytes) else list(value) if _is_list(value) else value
           for name, value in attributes.items()},
    )  # fmt: skip


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _same_shape(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType

    width = sum(variable.type.shape[1] for variable in operator.inputs)
    operator.outputs[0].type = FloatTensorType([operator.inputs[0].get_first_dimension(), width])


def _convert_scaler(scope: Any, operator: Any, container: Any) -> None:
    """StandardScaler and RobustScaler to the last bit; otherwise a tree behind them sends rows another way.

    scikit-learn divides where skl2onnx multiplies by the reciprocal; RobustScaler computes in float64 and rounds to
    float32 after each step.
    """
    from onnx import TensorProto

    scaler, opset = operator.raw_operator, 13
    is_robust = hasattr(scaler, "center_")
    center = scaler.center_ if is_robust else scaler.mean_ if scaler.with_mean else None
    inner_type, dtype = (TensorProto.DOUBLE, np.float64) if is_robust else (TensorProto.FLOAT, np.float32)

    def add(kind: str, inputs: list[str], **attributes: Any) -> str:
        output = scope.get_unique_variable_name(kind.lower())
        name = scope.get_unique_operator_name(kind)
        container.add_node(kind, inputs, output, op_version=opset, name=name, **attributes)
        return str(output)

    names = [variable.full_name for variable in operator.inputs]
    current = names[0] if len(names) == 1 else add("Concat", names, axis=1)
    current = add("Cast", [current], to=TensorProto.FLOAT)
    for step, numbers in (("Sub", center), ("Div", scaler.scale_)):
        if numbers is not None:
            constant = scope.get_unique_variable_name("constant")
            container.add_initializer(constant, inner_type, [1, len(numbers)], numbers.astype(dtype).tolist())
            wide = add("Cast", [current], to=inner_type)
            current = add("Cast", [add(step, [wide, constant])], to=TensorProto.FLOAT)
    name = scope.get_unique_operator_name("Scaled")
    container.add_node("Identity", [current], operator.outputs[0].full_name, op_version=opset, name=name)
