"""From a fitted estimator to an ONNX graph, which can be served without executing code.

The converting libraries take a second or more to import: each function imports what it needs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.frames import picks_columns
from mlops_lab.training.converters import exact_converters

_OPSETS = {"": 21, "ai.onnx.ml": 3}
CHOICES = (
    "docs/models.md lists what converts; derive features in Polars instead of a FunctionTransformer, return the path "
    "of an ONNX file of your own, or let `[model] runner = true` in mlops.toml serve it from its own format"
)
"""The choices for a model that does not convert."""


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


def _convert(estimator: Any, layout: list[tuple[str, Any]], *, is_given_float64: bool = False) -> bytes:
    from skl2onnx import convert_sklearn

    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    given_dense = frozenset(_list_given_dense(estimator, is_dense=not picks_columns(estimator)))
    with exact_converters(is_given_float64=is_given_float64, given_dense=given_dense), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            graph = convert_sklearn(estimator, initial_types=layout, options=options, target_opset=_OPSETS)
        except Exception as error:  # converters raise whatever they like
            raise _not_convertible(estimator, error) from error
    return _to_bytes(graph)


def _to_bytes(graph: Any) -> bytes:
    """The graph as bytes, the same for the same model: converters draw a name and order operator sets by chance."""
    graph.graph.name = "model"
    opsets = sorted(graph.opset_import, key=lambda opset: str(opset.domain))
    del graph.opset_import[:]
    graph.opset_import.extend(opsets)
    return bytes(graph.SerializeToString(deterministic=True))


def _list_given_dense(estimator: Any, *, is_dense: bool) -> Iterator[int]:
    """The ids of the fitted estimators in this one that are given a dense matrix."""
    if steps := getattr(estimator, "steps", None):
        for _, step in steps[:-1]:
            is_dense = not getattr(step, "sparse_output_", getattr(step, "sparse_output", not is_dense))
        yield from _list_given_dense(steps[-1][1], is_dense=is_dense)
        return
    if is_dense:
        yield id(estimator)
    if hasattr(estimator, "named_estimators_"):  # voting and stacking
        for part in estimator.estimators_:
            yield from _list_given_dense(part, is_dense=is_dense)


def lightgbm_to_onnx(estimator: Any, inputs: pl.DataFrame, categories: Mapping[str, Sequence[str]]) -> bytes:
    """The graph of one of LightGBM's own estimators, with the encoding of its text inputs in front.

    Inputs and thresholds become float32.
    """
    from onnx import compose, load_model_from_string

    layout = [("encoded", _floats(inputs.width))]
    trees = load_model_from_string(_convert(estimator, layout, is_given_float64=True))
    encoder = _encoder_graph(inputs, categories, like=trees)
    graph = compose.merge_models(encoder, trees, io_map=[("codes", "encoded")])
    return _to_bytes(graph)


def _encoder_graph(inputs: pl.DataFrame, categories: Mapping[str, Sequence[str]], *, like: Any) -> Any:
    """A graph that turns texts into the codes of `registry.engines.encoding`, and all inputs into one matrix."""
    from onnx import TensorProto, helper

    graph_inputs, nodes, columns = [], [], []
    for name, dtype in inputs.schema.items():
        is_text = dtype == pl.String
        graph_inputs.append(
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
    output = helper.make_tensor_value_info("codes", TensorProto.FLOAT, [None, inputs.width])
    graph = helper.make_graph(nodes, "codes", graph_inputs, [output])
    return helper.make_model(graph, opset_imports=like.opset_import, ir_version=like.ir_version)


def _not_convertible(estimator: Any, error: Exception) -> InvalidInput:
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return InvalidInput(
        f"{type(estimator).__name__} does not convert to ONNX: {reason[:300]}",
        code="not_convertible",
        where="pipeline.py, model()",
        hint=CHOICES,
    )
