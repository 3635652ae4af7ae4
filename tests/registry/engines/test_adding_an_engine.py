"""A new engine, added exactly as CONTRIBUTING says: it is tried, proved, packaged and served like the others."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from small_data import fit_small, make_small_plan, make_training_set

from mlops_lab.inference.predictor import Predictor
from mlops_lab.registry.engine_kinds import ENGINES, EngineKind
from mlops_lab.registry.package import write_plan
from mlops_lab.training import engine_options
from mlops_lab.training.engine_options import EngineOption, TrainedModel
from mlops_lab.training.packaging import Packaged, package

# 1. registry/engines/linear.py: a class with `exact`, `score_rows` and `score`, and what opens it.
ENGINE_MODULE = """
    import msgspec
    import numpy as np

    from mlops_lab.registry.columns import rows_to_columns, to_columns


    class LinearEngine:
        exact = False

        def __init__(self, content, inputs):
            model = msgspec.json.decode(content)
            self._inputs, self._weights, self._constant = inputs, np.array(model["weights"]), model["constant"]

        def score_rows(self, rows):
            return self._compute(rows_to_columns(rows, self._inputs, ())).tolist()

        def score(self, inputs, *, threads=0):
            return self._compute(to_columns(inputs))

        def _compute(self, columns):
            return np.column_stack([columns[name] for name in self._inputs]) @ self._weights + self._constant


    def open_engine(file, plan, trust):
        return LinearEngine(file.content, plan.features["inputs"])
"""
# 2. registry/engine_kinds.py: an entry of ENGINES.
KIND = EngineKind(name="linear", model_file="linear.json", module="linear_engine")


# 3. training/engine_options.py: an EngineOption, placed in ENGINE_OPTIONS by speed.
def is_linear(model: TrainedModel) -> bool:
    return isinstance(model.estimator, LinearRegression)


def write_linear(model: TrainedModel) -> bytes:
    estimator = model.estimator
    return msgspec.json.encode({"weights": estimator.coef_.tolist(), "constant": float(estimator.intercept_)})


@pytest.fixture
def linear_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineOption:
    (tmp_path / "linear_engine.py").write_text(textwrap.dedent(ENGINE_MODULE))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(ENGINES, "linear", KIND)
    option = EngineOption("linear", is_linear, write_linear)
    monkeypatch.setattr(engine_options, "ENGINE_OPTIONS", (option, *engine_options.ENGINE_OPTIONS))
    yield option
    sys.modules.pop("linear_engine", None)


def package_linear() -> tuple[Packaged, np.ndarray]:
    data = make_training_set("regression", with_text=False, with_nulls=False)
    fitted = fit_small(LinearRegression(), data)
    return package(fitted, make_small_plan(fitted, data.inputs), data.inputs), fitted.predict(data.inputs)


@pytest.mark.usefixtures("linear_engine")
def test_it_is_chosen_by_proof_and_serves_a_package(tmp_path: Path) -> None:
    packaged, expected = package_linear()
    assert packaged.plan.engine == packaged.agreement.engine == "linear"
    assert [entry.engine for entry in packaged.agreement.tried] == ["linear", "onnx"]
    assert packaged.agreement.differing == 0
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "linear.json").write_bytes(packaged.model)
    (folder / "plan.json").write_bytes(write_plan(packaged.plan))
    predictor = Predictor(folder, version=1)
    rows = make_training_set("regression", with_text=False, with_nulls=False).inputs
    assert type(predictor.engine).__name__ == "LinearEngine"
    assert np.allclose(predictor.score(rows).to_numpy(), expected, rtol=1e-5)
    assert np.allclose(predictor.score_rows(rows.rows()), expected, rtol=1e-5)


def test_one_that_computes_something_else_is_tried_and_not_chosen(
    linear_engine: EngineOption, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_wrong(model: TrainedModel) -> bytes:
        content = msgspec.json.decode(write_linear(model))
        return msgspec.json.encode(content | {"constant": content["constant"] + 0.001})

    options = (linear_engine._replace(write=write_wrong), *engine_options.ENGINE_OPTIONS[1:])
    monkeypatch.setattr(engine_options, "ENGINE_OPTIONS", options)
    packaged, _ = package_linear()
    first, second = packaged.agreement.tried
    assert (first.engine, first.agrees) == ("linear", False)
    assert "training rows" in first.reason
    assert packaged.plan.engine == second.engine == "onnx"
