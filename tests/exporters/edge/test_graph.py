"""The graph of a version: its one output is the answer that the server gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.edge.graph import EdgeGraph, make_graph
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import Package, Plan, open_package
from mlops_lab.registry.signing.package_files import PackageFiles

NUMBERS = st.floats(-2, 2, width=32)
SAMPLE = pl.DataFrame({"a": [0.5, 1.5], "b": [0.0, -1.0]})


def make_plan(task: str, classes: list[str], outputs: list[int], engine: str = "onnx") -> Plan:
    names = SAMPLE.columns
    return Plan(
        engine=engine, task=task, classes=classes, outputs=outputs, request=dict.fromkeys(names, "float"), time="at",
        tables={}, features={"inputs": names}, categories={},
    )  # fmt: skip


def write_model(folder: Path, *, width: int, opset: int = 21) -> None:
    """A model whose outputs are its first inputs, unchanged: one column, or two."""
    nodes = [helper.make_node("Identity", ["inputs"], ["scores"])]
    if width == 1:
        nodes = [
            helper.make_node("Constant", [], ["first"], value=helper.make_tensor("f", TensorProto.INT64, [1], [0])),
            helper.make_node("Gather", ["inputs", "first"], ["scores"], axis=1),
        ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, width])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))


def run(graph: EdgeGraph, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(graph.model, providers=["CPUExecutionProvider"])
    (answers,) = session.run([graph.output], {graph.tensors[0].name: rows})
    return np.asarray(answers)


PLANS = {
    "a number": make_plan("regression", [], []),
    "yes or no": make_plan("binary", [], []),
    "all classes": make_plan("multiclass", ["x", "y"], [0, 1]),
    "an unknown class": make_plan("multiclass", ["x", "y", "z"], [2, 0]),
}


def make(folder: Path, plan: Plan) -> EdgeGraph:
    package = Package(PackageFiles(folder), plan, (folder / "model.onnx").read_bytes())
    return make_graph(package, open_engine(package), SAMPLE)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], EdgeGraph]:
    made = {}
    for name, plan in PLANS.items():
        for width in (1, 2):
            folder = tmp_path_factory.mktemp("package")
            write_model(folder, width=width)
            made[name, width] = make(folder, plan)
    return made


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("name", PLANS)
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_outputs_are_mapped_as_the_server_maps_them(
    graphs: dict[tuple[str, int], EdgeGraph], name: str, width: int, rows: list[tuple[float, float]]
) -> None:
    given_rows = np.array(rows, dtype=np.float32)
    raw = given_rows[:, 0] if width == 1 else given_rows
    expected = OutputMapping(PLANS[name]).of_rows(raw.astype(np.float64))
    answers = run(graphs[name, width], given_rows)
    assert answers.shape == expected.shape
    assert np.abs(answers - expected).max() <= 1e-6


def test_a_graph_of_lightgbm_answers_in_float64(tiny: Any) -> None:
    inputs = tiny.training.holdout_inputs.head(200)
    graph = make_graph(open_package(tiny.package), tiny.predictor.engine, inputs.head(10))
    assert [(tensor.type, tensor.inputs) for tensor in graph.tensors] == [("float64", inputs.columns)]
    codes = {name: dict(zip(texts, range(len(texts)), strict=True)) for name, texts in graph.categories.items()}
    rows = [
        [
            codes[name].get(value, np.nan) if name in codes else np.nan if value is None else value
            for name, value in row.items()
        ]
        for row in inputs.to_dicts()
    ]
    expected = tiny.predictor.score(inputs).to_numpy()
    assert np.abs(run(graph, np.array(rows, dtype=np.float64)) - expected).max() <= 1e-12


def test_models_that_cannot_become_a_graph_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="skops") as caught:
        make_graph(Package(PackageFiles(tmp_path), make_plan("binary", [], [], engine="skops"), b""), None, SAMPLE)  # type: ignore[arg-type]
    assert (caught.value.code, bool(caught.value.hint)) == ("not_convertible", True)
    write_model(tmp_path, width=2, opset=7)
    plan = make_plan("binary", [], [])
    with pytest.raises(InvalidInput, match="opset 7 is too old"):
        make(tmp_path, plan)
