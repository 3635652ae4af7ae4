"""The ONNX graph of a version, with the answer as its one output, and how rows of inputs become its tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import onnx
import polars as pl
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.edge.trees import lightgbm_nodes
from mlops_lab.registry.engine_kinds import ENGINES, model_file
from mlops_lab.registry.engines.base import Engine, ModelFile
from mlops_lab.registry.package import Package, Plan

_OUTPUT = "output"
_OLDEST_OPSET = 8
_OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
_IR_VERSION = 10
_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)
_TYPES = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64", TensorProto.STRING: "string"}


class GraphTensor(msgspec.Struct, frozen=True):
    """One input of the graph: its name, its type, and the inputs of the model that are its columns."""

    name: str
    type: str
    inputs: list[str]


@dataclass(frozen=True)
class EdgeGraph:
    """A graph without code, and its inputs. Those in `categories` enter as the index of their text."""

    model: bytes
    tensors: list[GraphTensor]
    categories: dict[str, list[str]]
    output: str = _OUTPUT


def make_graph(package: Package, engine: Engine, sample: pl.DataFrame) -> EdgeGraph:
    """The graph of a package; InvalidInput where it cannot be made. `sample`: some rows that the engine can answer."""
    plan = package.plan
    inputs = list(plan.features["inputs"])
    file = ModelFile(package.path / model_file(plan.engine), package.model)
    if ENGINES[plan.engine].reads_lightgbm_text:
        return _convert_lightgbm(file.content, plan, inputs)
    if plan.engine == "onnx":
        return _extend_onnx(file, plan, inputs, shape=engine.score(sample).shape)
    raise InvalidInput(
        f"a model of the engine {plan.engine} cannot be written as an ONNX graph",
        code="not_convertible",
        where=str(file.path),
        hint="docs/models.md lists what converts; serve it with `mlops serve`",
    )


def _convert_lightgbm(model: bytes, plan: Plan, inputs: list[str]) -> EdgeGraph:
    text = model.decode("utf-8")
    nodes = lightgbm_nodes(text, inputs="inputs", output="answers")
    width = int(text.split("num_tree_per_iteration=", 1)[1].split("\n", 1)[0])
    nodes += _map_outputs(plan, "answers", _OUTPUT, width=width, dtype=np.float64)
    given = helper.make_tensor_value_info("inputs", TensorProto.DOUBLE, ["rows", len(inputs)])
    graph = helper.make_graph(nodes, "model", [given], [_output_info(plan, _OUTPUT, TensorProto.DOUBLE)])
    model = helper.make_model(graph, opset_imports=_OPSETS, ir_version=_IR_VERSION, producer_name="mlops-lab")
    onnx.checker.check_model(model)
    return EdgeGraph(model.SerializeToString(), [GraphTensor("inputs", "float64", inputs)], plan.categories)


def _extend_onnx(file: ModelFile, plan: Plan, inputs: list[str], *, shape: tuple[int, ...]) -> EdgeGraph:
    """The graph unchanged, followed by nodes that map its outputs to the answer."""
    model = onnx.load_model_from_string(file.content)
    graph = model.graph
    opset = next((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), 0)
    if opset < _OLDEST_OPSET:
        hint = f"export the model again, with an opset of at least {_OLDEST_OPSET}"
        raise InvalidInput(f"opset {opset} is too old", code="not_convertible", where=str(file.path), hint=hint)
    constants = {constant.name for constant in graph.initializer}
    graph_inputs = [value for value in graph.input if value.name not in constants]
    kinds = {value.name: _TYPES[value.type.tensor_type.elem_type] for value in graph_inputs}
    is_matrix = len(graph_inputs) == 1 and graph_inputs[0].name not in inputs
    tensors = [GraphTensor(name, kind, inputs if is_matrix else [name]) for name, kind in kinds.items()]
    last = [value for value in graph.output if value.type.tensor_type.elem_type in _FLOATS][-1]
    element = last.type.tensor_type.elem_type
    width = shape[1] if len(shape) > 1 else 1
    taken = {name for node in graph.node for name in node.output}
    output = _OUTPUT if _OUTPUT not in taken else f"edge_{_OUTPUT}"
    graph.node.extend(
        _map_outputs(plan, last.name, output, width=width, dtype=helper.tensor_dtype_to_np_dtype(element))
    )
    del graph.output[:]
    graph.output.append(_output_info(plan, output, element))
    return EdgeGraph(model.SerializeToString(), tensors, {}, output)


def _output_info(plan: Plan, name: str, element: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element, ["rows", len(plan.classes)] if plan.classes else ["rows"])


def _map_outputs(plan: Plan, raw: str, output: str, *, width: int, dtype: Any) -> list[NodeProto]:
    """Nodes that do what `registry.outputs.OutputMapping` does: a column per class, probabilities within 0 and 1."""
    nodes: list[NodeProto] = []

    def constant(values: Any, kind: Any = dtype) -> str:
        name = f"edge_{len(nodes)}"
        value = numpy_helper.from_array(np.array(values, dtype=kind))
        nodes.append(helper.make_node("Constant", [], [name], value=value))
        return name

    def node(kind: str, *given: str, to: str | None = None, **attributes: Any) -> str:
        name = to or f"edge_{len(nodes)}"
        nodes.append(helper.make_node(kind, list(given), [name], **attributes))
        return name

    columns = node("Reshape", raw, constant([-1, width], np.int64))
    if not plan.classes:  # of two columns (no, yes) the second
        number = node("Gather", columns, constant(width - 1, np.int64), axis=1)
        if plan.task == "regression":
            node("Identity", number, to=output)
        else:
            node("Min", node("Max", number, constant(0.0)), constant(1.0), to=output)
        return nodes
    if width == 1:
        columns = node("Concat", node("Sub", constant(1.0), columns), columns, axis=1)
    within = node("Min", node("Max", columns, constant(0.0)), constant(1.0))
    node("MatMul", within, constant(np.eye(len(plan.classes))[plan.outputs]), to=output)
    return nodes
