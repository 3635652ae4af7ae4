"""From a fitted estimator to an ONNX graph: what can be served without executing code."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.frames import picks_columns

_OPSETS = {"": 21, "ai.onnx.ml": 3}
CHOICES = (
    "docs/models.md lists what converts; derive features in Polars instead of a FunctionTransformer, return the path "
    "of an ONNX file of your own, or let `[model] runner = true` in mlops.toml serve it from its own format"
)
"""What can be done about a model that does not convert."""


def to_onnx(estimator: Any, inputs: pl.DataFrame) -> bytes:
    """The graph of an estimator that was fitted on these inputs; InvalidInput says why there is none."""
    if not picks_columns(estimator):
        return _convert(estimator, [("inputs", _floats(inputs.width))])
    from skl2onnx.common.data_types import StringTensorType

    layout = [
        (name, StringTensorType([None, 1]) if dtype == pl.String else _floats(1))
        for name, dtype in inputs.schema.items()
    ]
    return _convert(estimator, layout)


def _floats(width: int) -> Any:
    from skl2onnx.common.data_types import FloatTensorType

    return FloatTensorType([None, width])


def _convert(estimator: Any, layout: list[tuple[str, Any]], *, sees_float64: bool = False) -> bytes:
    from skl2onnx import convert_sklearn

    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    with _converters(sees_float64=sees_float64), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            graph = convert_sklearn(estimator, initial_types=layout, options=options, target_opset=_OPSETS)
        except Exception as error:  # converters raise whatever they like
            raise _no_graph(estimator, error) from error
    return bytes(graph.SerializeToString())


def lightgbm_to_onnx(estimator: Any, inputs: pl.DataFrame, categories: Mapping[str, Sequence[str]]) -> bytes:
    """The graph of one of LightGBM's own estimators, in front of it the codes that its texts have. Numbers become
    float32, inputs as well as those at which its trees part rows."""
    from onnx import compose, load_model_from_string

    layout = [("encoded", _floats(inputs.width))]
    trees = load_model_from_string(_convert(estimator, layout, sees_float64=True))
    codes = _codes(inputs, categories, like=trees)
    graph = compose.merge_models(codes, trees, io_map=[("codes", "encoded")])
    return bytes(graph.SerializeToString())


def _codes(inputs: pl.DataFrame, categories: Mapping[str, Sequence[str]], *, like: Any) -> Any:
    """A graph that turns texts into the codes of `registry.encoding`, and all inputs into one matrix."""
    from onnx import TensorProto, helper

    given, nodes, columns = [], [], []
    for name, dtype in inputs.schema.items():
        is_text = dtype == pl.String
        given.append(
            helper.make_tensor_value_info(name, TensorProto.STRING if is_text else TensorProto.FLOAT, [None, 1])
        )
        columns.append(f"code of {name}" if is_text else name)
        if is_text:
            values = list(categories[name]) or [""]
            codes = {"keys_strings": values, "values_floats": [float(code) for code in range(len(values))]}
            nodes.append(
                helper.make_node("LabelEncoder", [name], [columns[-1]], None, None, "ai.onnx.ml", None,
                                 default_float=float("nan"), **codes)
            )  # fmt: skip
    nodes.append(helper.make_node("Concat", columns, ["codes"], axis=1))
    made = helper.make_tensor_value_info("codes", TensorProto.FLOAT, [None, inputs.width])
    graph = helper.make_graph(nodes, "codes", given, [made])
    return helper.make_model(graph, opset_imports=like.opset_import, ir_version=like.ir_version)


def _no_graph(estimator: Any, error: Exception) -> InvalidInput:
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return InvalidInput(
        f"{type(estimator).__name__} does not convert to ONNX: {reason[:300]}",
        code="not_convertible",
        where="pipeline.py, model()",
        hint=CHOICES,
    )


@contextmanager
def _converters(*, sees_float64: bool) -> Iterator[None]:
    """skl2onnx with the converters that it lacks, or has only nearly right."""
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.operator_converters import decision_tree, gradient_boosting, random_forest

    _register(sees_float64=sees_float64)
    add_node, add_tree = ModelComponentContainer.add_node, random_forest.add_tree_to_attribute_pairs

    def add_plain(container: Any, *arguments: Any, **attributes: Any) -> Any:
        return add_node(container, *arguments, **{name: _plain(value) for name, value in attributes.items()})

    def add_with_missing(attributes: Any, is_classifier: bool, tree: Any, *arguments: Any, **options: Any) -> None:
        ways = attributes["nodes_missing_value_tracks_true"]
        before = len(ways)
        add_tree(attributes, is_classifier, tree, *arguments, **options)
        ways[before:] = tree.missing_go_to_left.tolist()

    modules = (decision_tree, gradient_boosting, random_forest)
    ModelComponentContainer.add_node = add_plain
    for module in modules:
        module.add_tree_to_attribute_pairs = add_with_missing
    try:
        yield
    finally:
        ModelComponentContainer.add_node = add_node
        for module in modules:
            module.add_tree_to_attribute_pairs = add_tree


def _plain(value: Any) -> Any:
    """NumPy's numbers and booleans as Python's: onnx takes no others, and some converters hand them on."""
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, bool) else value


def _register(*, sees_float64: bool) -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx._supported_operators import sklearn_classifier_list
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes as of_classifier,
    )
    from skl2onnx.common.shape_calculator import (
        calculate_linear_regressor_output_shapes as of_regressor,
    )
    from sklearn.preprocessing import RobustScaler, StandardScaler

    probabilities = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    for name, classifier, regressor, convert in _boosters(sees_float64=sees_float64):
        if classifier not in sklearn_classifier_list:
            sklearn_classifier_list.append(classifier)
        update_registered_converter(classifier, f"{name}Classifier", of_classifier, convert, options=probabilities)
        update_registered_converter(regressor, f"{name}Regressor", of_regressor, convert, options={"split": None})
    for scaler in (StandardScaler, RobustScaler):
        update_registered_converter(scaler, f"Exact{scaler.__name__}", _same_shape, _convert_scaler, options={})


def _boosters(*, sees_float64: bool) -> Iterator[tuple[str, type, type, Callable[..., None]]]:
    """Name, classifier, regressor and converter of the boosting libraries that are installed."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    convert = convert_lightgbm if sees_float64 else _convert_lightgbm_below
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


def _convert_lightgbm_below(scope: Any, operator: Any, container: Any) -> None:
    """LightGBM that is given float32: with thresholds that part all its numbers as those of float64 do. (What is given
    float64 parts fewest others with the nearest thresholds.)"""
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    convert_lightgbm(scope, operator, _Below(container))


class _Below:
    """A container whose trees go left up to the largest float32 that is not above their threshold, as the nearest may
    be."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *arguments: Any, **attributes: Any) -> Any:
        if "nodes_modes" in attributes:
            exact = np.array(attributes["nodes_values"], dtype=np.float64)
            near = exact.astype(np.float32)
            above = (near > exact) & (np.array(attributes["nodes_modes"]) == "BRANCH_LEQ")
            attributes["nodes_values"] = np.where(above, np.nextafter(near, np.float32(-np.inf)), near)
        return self._container.add_node(*arguments, **attributes)


def _convert_catboost(scope: Any, operator: Any, container: Any) -> None:
    """CatBoost writes ONNX itself: its one node becomes one of the graph."""
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
        **{name: value.decode() if isinstance(value, bytes) else list(value) if _is_many(value) else value
           for name, value in attributes.items()},
    )  # fmt: skip


def _is_many(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _same_shape(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType

    width = sum(variable.type.shape[1] for variable in operator.inputs)
    operator.outputs[0].type = FloatTensorType([operator.inputs[0].get_first_dimension(), width])


def _convert_scaler(scope: Any, operator: Any, container: Any) -> None:
    """StandardScaler and RobustScaler to the last bit, or a tree behind them parts other rows: scikit-learn divides
    where skl2onnx multiplies by the reciprocal; the latter in float64, rounding to float32 after each step."""
    from onnx import TensorProto

    scaler, opset = operator.raw_operator, 13
    is_robust = hasattr(scaler, "center_")
    center = scaler.center_ if is_robust else scaler.mean_ if scaler.with_mean else None
    inside, dtype = (TensorProto.DOUBLE, np.float64) if is_robust else (TensorProto.FLOAT, np.float32)

    def add(kind: str, given: list[str], **attributes: Any) -> str:
        made = scope.get_unique_variable_name(kind.lower())
        name = scope.get_unique_operator_name(kind)
        container.add_node(kind, given, made, op_version=opset, name=name, **attributes)
        return str(made)

    names = [variable.full_name for variable in operator.inputs]
    current = names[0] if len(names) == 1 else add("Concat", names, axis=1)
    current = add("Cast", [current], to=TensorProto.FLOAT)
    for step, numbers in (("Sub", center), ("Div", scaler.scale_)):
        if numbers is not None:
            constant = scope.get_unique_variable_name("constant")
            container.add_initializer(constant, inside, [1, len(numbers)], numbers.astype(dtype).tolist())
            wide = add("Cast", [current], to=inside)
            current = add("Cast", [add(step, [wide, constant])], to=TensorProto.FLOAT)
    name = scope.get_unique_operator_name("Scaled")
    container.add_node("Identity", [current], operator.outputs[0].full_name, op_version=opset, name=name)
