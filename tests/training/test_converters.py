"""Converters to the last bit: scalers, thresholds in float32, and skl2onnx as it was afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from lightgbm import LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler

from mlops_lab.registry.frames import to_pandas
from mlops_lab.training.convert import to_onnx
from mlops_lab.training.converters import _to_plain, exact_converters

RNG = np.random.default_rng(1)
MATRIX = (RNG.normal(size=(500, 3)) * [0.001, 1, 1e5]).astype(np.float32)
INPUTS = pl.DataFrame(MATRIX, schema=["a", "b", "c"])


def run(graph: bytes, matrix: Any) -> Any:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: matrix})[-1]


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        RobustScaler(),
        RobustScaler(with_centering=False),
    ],
    ids=str,
)
def test_scalers_compute_what_scikit_learn_computes_to_the_last_bit(scaler: Any) -> None:
    scaler.fit(MATRIX)
    assert np.array_equal(run(to_onnx(scaler, INPUTS), MATRIX), scaler.transform(MATRIX))


def test_thresholds_of_lightgbm_are_the_largest_float32_that_is_not_above_them() -> None:
    estimator = LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1).fit(MATRIX, MATRIX[:, 1])
    graph = onnx.load_model_from_string(to_onnx(estimator, INPUTS))
    (trees,) = (node for node in graph.graph.node if node.op_type == "TreeEnsembleRegressor")
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in trees.attribute}
    is_split = np.array(attributes["nodes_modes"]) == b"BRANCH_LEQ"
    written = {np.float32(value) for value in np.array(attributes["nodes_values"])[is_split]}
    exact = estimator.booster_.trees_to_dataframe()["threshold"].dropna().to_numpy()
    below = [
        value if value <= cut else np.nextafter(value, np.float32(-np.inf))
        for value, cut in zip(exact.astype(np.float32), exact, strict=True)
    ]
    assert written == set(below)
    assert set(below) != set(exact.astype(np.float32)), "the nearest are not all below"


def test_a_number_that_lightgbm_takes_for_zero_goes_the_same_way_after_columns_were_picked() -> None:
    inputs = pl.DataFrame({"a": np.where(MATRIX[:, 1] > 0, 1, 0) * np.abs(MATRIX[:, 1]), "b": MATRIX[:, 2]})
    columns = make_column_transformer(("passthrough", ["a", "b"]))
    estimator = make_pipeline(columns, LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1))
    estimator.fit(to_pandas(inputs), np.where(inputs["a"] == 0, 5.0, -5.0) + MATRIX[:, 0])
    tiny = np.array([[-1e-35], [1e-35], [0], [-1e-34], [1e-34]], dtype=np.float32)
    session = onnxruntime.InferenceSession(to_onnx(estimator, inputs), providers=["CPUExecutionProvider"])
    graph = session.run(None, {"a": tiny, "b": np.ones_like(tiny)})[0]
    expected = estimator.predict(to_pandas(pl.DataFrame({"a": tiny[:, 0], "b": np.ones(5, dtype=np.float32)})))
    assert graph[:, 0] == pytest.approx(expected, abs=1e-5)


def test_afterwards_skl2onnx_is_as_it_was() -> None:
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.operator_converters import decision_tree, gradient_boosting, random_forest

    modules = (decision_tree, gradient_boosting, random_forest)

    def functions() -> list[Any]:
        return [ModelComponentContainer.add_node, *(module.add_tree_to_attribute_pairs for module in modules)]

    before = functions()
    with pytest.raises(RuntimeError, match="fails"), exact_converters(is_given_float64=False):
        assert all(new is not old for new, old in zip(functions(), before, strict=True))
        raise RuntimeError("it fails")
    assert functions() == before


def test_numbers_of_numpy_become_those_of_python() -> None:
    values = _to_plain([np.float32(0.5), np.array([1, 2]), True, "text", [np.bool_(0)]])
    assert values == [0.5, [1, 2], 1, "text", [0]]
    assert [type(value) for value in (values[0], values[2], values[4][0])] == [float, int, int]
