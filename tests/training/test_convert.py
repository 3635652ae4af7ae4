"""From estimators to ONNX graphs: inputs by name or as a matrix, texts as codes, and a reason where it does not work."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from small_data import fit_small, make_training_set

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.frames import to_pandas
from mlops_lab.training.convert import lightgbm_to_onnx, to_onnx

DATA = make_training_set("binary")
NUMBERS = DATA.inputs.select("price", "rooms")


def open_graph(content: bytes) -> Any:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def test_an_estimator_of_columns_has_an_input_for_each_and_others_have_one_for_all() -> None:
    columns = make_column_transformer(
        (StandardScaler(), ["price"]), (OneHotEncoder(handle_unknown="ignore"), ["place"])
    )
    by_name = fit_small(make_pipeline(columns, LogisticRegression()), DATA)
    session = open_graph(to_onnx(by_name.estimator, DATA.inputs))
    kinds = {node.name: node.type for node in session.get_inputs()}
    assert kinds.keys() == set(DATA.inputs.columns)
    assert {name for name, kind in kinds.items() if kind == "tensor(string)"} == {"place"}
    of_matrix = LogisticRegression().fit(NUMBERS.to_numpy(), DATA.truth)
    (matrix,) = open_graph(to_onnx(of_matrix, NUMBERS)).get_inputs()
    assert matrix.shape[1] == 2


def test_texts_of_lightgbm_become_codes_and_unknown_ones_are_missing() -> None:
    fitted = fit_small(LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1), DATA)
    session = open_graph(lightgbm_to_onnx(fitted.estimator, DATA.inputs, fitted.categories))
    rows = pl.concat([DATA.inputs.head(50), DATA.inputs.head(5).with_columns(place=pl.lit("never seen"))])
    frame = to_pandas(rows)
    feed = {name: frame[name].to_numpy().reshape(-1, 1) for name in frame}
    assert sorted(feed) == sorted(node.name for node in session.get_inputs())
    probabilities = session.run(None, feed)[-1][:, 1]
    assert np.allclose(probabilities, fitted.predict(rows), atol=1e-6)


def test_what_does_not_convert_is_an_error_with_the_choices() -> None:
    estimator = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()).fit(NUMBERS.to_numpy(), DATA.truth)
    with pytest.raises(InvalidInput, match="FunctionTransformer") as caught:
        to_onnx(estimator, NUMBERS)
    assert caught.value.code == "not_convertible"
    assert "runner = true" in str(caught.value.hint)


def test_the_same_model_is_the_same_bytes() -> None:
    def convert(estimator: Any) -> bytes:
        return to_onnx(estimator.fit(NUMBERS.to_numpy(), DATA.truth), NUMBERS)

    def convert_trees() -> bytes:
        fitted = fit_small(LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1), DATA)
        return lightgbm_to_onnx(fitted.estimator, DATA.inputs, fitted.categories)

    scaled = [make_pipeline(StandardScaler(), LogisticRegression(C=strength)) for strength in (1.0, 1.0, 2.0)]
    first, second, other = map(convert, scaled)
    assert first == second != other
    assert convert_trees() == convert_trees()
