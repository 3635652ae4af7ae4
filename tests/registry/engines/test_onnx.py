"""ONNX Runtime: graphs with one input a column or one for all, and what does not fit is refused with a hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from onnx import TensorProto, helper

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.registry.engines import onnx as onnx_engine
from mlops_lab.registry.engines.base import ModelFile
from mlops_lab.registry.engines.onnx import OnnxEngine

INPUTS = ["price", "rooms"]
FRAME = pl.DataFrame({"price": [1.0, 2.5, None], "rooms": [1, 2, 3]})
ROWS = FRAME.rows()


def write_graph(path: Path, nodes: list[Any], inputs: dict[str, tuple[int, int]], output: tuple[int, int]) -> Path:
    """A graph with these inputs and one output "answer": the type and the number of columns of each."""

    def describe(name: str, kind: tuple[int, int]) -> Any:
        return helper.make_tensor_value_info(name, kind[0], [None, kind[1]])

    given = [describe(name, kind) for name, kind in inputs.items()]
    graph = helper.make_graph(nodes, "graph", given, [describe("answer", output)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def open_file(path: Path) -> OnnxEngine:
    return OnnxEngine(ModelFile(path, path.read_bytes()), INPUTS)


def add_columns(path: Path, names: list[str], kind: int = TensorProto.FLOAT) -> OnnxEngine:
    """The sum of two columns."""
    nodes = [helper.make_node("Add", names, ["answer"])]
    write_graph(path, nodes, dict.fromkeys(names, (kind, 1)), (kind, 1))
    return open_file(path)


def pass_matrix(path: Path, kind: int = TensorProto.FLOAT) -> OnnxEngine:
    """The matrix itself."""
    nodes = [helper.make_node("Identity", ["x"], ["answer"])]
    write_graph(path, nodes, {"x": (kind, 2)}, (kind, 2))
    return open_file(path)


@pytest.mark.parametrize("names", [["price", "rooms"], ["rooms", "price"]])
def test_inputs_are_given_by_name_in_whatever_order_the_graph_has_them(tmp_path: Path, names: list[str]) -> None:
    engine = add_columns(tmp_path / "model.onnx", names)
    assert engine.score(FRAME).tolist() == pytest.approx([2.0, 4.5, np.nan], nan_ok=True)
    assert engine.score_rows(ROWS) == pytest.approx([2.0, 4.5, np.nan], nan_ok=True)


def test_a_single_input_holds_all_columns_in_the_order_of_the_model(tmp_path: Path) -> None:
    engine = pass_matrix(tmp_path / "model.onnx")
    expected = [[1.0, 1.0], [2.5, 2.0], [np.nan, 3.0]]
    assert np.array_equal(engine.score(FRAME), expected, equal_nan=True)
    assert np.array_equal(engine.score(FRAME.select("rooms", "price")), expected, equal_nan=True)
    assert np.array_equal(engine.score_rows(ROWS), expected, equal_nan=True)


def test_numbers_are_float32_but_for_a_graph_that_asks_for_float64(tmp_path: Path) -> None:
    frame = pl.DataFrame({"price": [0.1], "rooms": [0]})
    assert pass_matrix(tmp_path / "short.onnx").score(frame)[0, 0] == np.float32(0.1)
    assert pass_matrix(tmp_path / "long.onnx", TensorProto.DOUBLE).score(frame)[0, 0] == 0.1
    assert add_columns(tmp_path / "columns.onnx", INPUTS, TensorProto.DOUBLE).score(frame).tolist() == [0.1]


def test_many_rows_are_computed_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = add_columns(tmp_path / "model.onnx", INPUTS)
    frame = pl.DataFrame({"price": np.arange(10.0), "rooms": np.arange(10)})
    monkeypatch.setattr(onnx_engine, "_BATCH_ROWS", 3)
    assert engine.score(frame).tolist() == (np.arange(10.0) * 2).tolist()


def test_a_graph_with_inputs_that_the_model_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="colour") as caught:
        add_columns(tmp_path / "model.onnx", ["price", "colour"])
    assert caught.value.code == "bad_onnx"
    assert "price, rooms" in str(caught.value.hint)


def test_a_graph_whose_inputs_or_outputs_are_no_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="int64"):
        add_columns(tmp_path / "model.onnx", INPUTS, TensorProto.INT64)
    nodes = [helper.make_node("Cast", ["x"], ["answer"], to=TensorProto.STRING)]
    write_graph(tmp_path / "text.onnx", nodes, {"x": (TensorProto.FLOAT, 2)}, (TensorProto.STRING, 2))
    with pytest.raises(InvalidInput, match="not numbers"):
        open_file(tmp_path / "text.onnx")


def test_a_file_that_is_no_graph_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(EnvironmentFault) as caught:
        open_file(tmp_path / "model.onnx")
    assert caught.value.code == "engine_failed"
    assert "\n" not in caught.value.what
