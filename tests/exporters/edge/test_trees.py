"""LightGBM's models as ONNX graphs: equal to LightGBM, also at thresholds, with missing numbers and in every objective."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from lightgbm_models import HOLED, MODELS, NUMBERS, ROWS, WIDTH, probe_rows, train
from onnx import TensorProto, helper

from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.edge.trees import lightgbm_nodes
from mlops_lab.registry.engines.lightgbm import Booster


def answers(text: str, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    nodes = lightgbm_nodes(text, inputs="inputs", output="output")
    given = helper.make_tensor_value_info("inputs", TensorProto.DOUBLE, [None, WIDTH])
    made = helper.make_tensor_value_info("output", TensorProto.DOUBLE, [None, None])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(helper.make_graph(nodes, "g", [given], [made]), opset_imports=opsets, ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(["output"], {"inputs": rows})
    return np.asarray(found)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("learned_from", ["holed", "whole"])
def test_the_graph_answers_like_lightgbm(name: str, learned_from: str) -> None:
    text = train(*MODELS[name], data=HOLED if learned_from == "holed" else NUMBERS)
    rows = probe_rows(text)
    assert len(rows) > 2 * ROWS + 50
    expected = Booster(text.encode()).predict(rows)
    given = answers(text, rows).reshape(expected.shape)
    assert np.isfinite(expected).all()
    assert np.abs(given - expected).max() <= 1e-12 * np.abs(expected).max()
    if name != "no split at all":
        assert expected.std() > 0


@pytest.mark.parametrize(
    ("target", "parameters", "why"),
    [
        ("yes or no", {"objective": "binary", "zero_as_missing": True}, "zeros as missing"),
        ("number", {"objective": "regression", "linear_tree": True}, "linear models"),
        ("share", {"objective": "cross_entropy_lambda"}, "cross_entropy_lambda"),
    ],
)
def test_models_that_cannot_be_converted_are_refused(target: str, parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        lightgbm_nodes(train(target, parameters), inputs="inputs", output="output")
    assert caught.value.code == "not_convertible"
    assert caught.value.hint
