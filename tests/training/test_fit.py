"""An estimator is made, fitted and described; what cannot be served is refused with a way out."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from small_data import fit_small, make_training_set

from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.training.fit import Fitted, fit, make_estimator, parameters_of, to_answers
from mlops_lab.training.pipeline import Pipeline

NUMBERS = ["price", "rooms"]


def by_name(estimator: Any) -> Any:
    return make_pipeline(make_column_transformer((StandardScaler(), NUMBERS)), estimator)


def make_pipeline_of(model: Any) -> Pipeline:
    return Pipeline(Features(NUMBERS), model, "hash")


def refuse_to_fit(estimator: Any) -> InvalidInput:
    data = make_training_set("binary")
    with pytest.raises(InvalidInput) as caught:
        fit(Pipeline(Features(data.inputs.columns), lambda: estimator, ""), data)
    assert caught.value.hint
    return caught.value


def test_what_cannot_be_served_is_refused_with_a_way_out() -> None:
    assert refuse_to_fit(lambda rows: rows).code == "unsupported_model"
    assert refuse_to_fit(LogisticRegression).code == "unsupported_model"
    assert refuse_to_fit(by_name(LinearSVC())).code == "no_probabilities"
    assert refuse_to_fit("model.pkl").code == "pickle_refused"
    assert refuse_to_fit("model.h5").code == "no_onnx"
    assert refuse_to_fit(LogisticRegression()).code == "bad_pipeline", "it takes no text"


@pytest.mark.parametrize(
    ("value", "kind"), [(lambda rows: rows, "a function"), (3, "a int"), (Ridge, "a ABCMeta"), (None, "a NoneType")]
)
def test_what_is_not_an_estimator_is_named(value: Any, kind: str) -> None:
    with pytest.raises(InvalidInput, match=kind):
        make_estimator(make_pipeline_of(lambda: value))


def test_parameters_are_passed_to_model_and_a_text_is_a_path() -> None:
    assert make_estimator(make_pipeline_of(lambda rate=0.1: Ridge(alpha=rate)), {"rate": 3.0}).alpha == 3.0
    assert make_estimator(make_pipeline_of(lambda: "net.onnx")) == Path("net.onnx")


def test_an_error_of_the_projects_code_names_the_exception() -> None:
    with pytest.raises(InvalidInput, match="ZeroDivisionError") as caught:
        make_estimator(make_pipeline_of(lambda: 1 / 0))
    assert caught.value.code == "bad_pipeline"


def test_only_lightgbm_has_categories_and_tells_its_answers_to_the_training_rows() -> None:
    data = make_training_set("binary")
    fitted = fit_small(LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1), data)
    assert sorted(fitted.categories["place"]) == ["a", "b", "ü"]
    assert fitted.training_answers is not None
    assert fitted.training_answers.tobytes() == fitted.predict(data.inputs).tobytes()
    other = fit_small(by_name(LogisticRegression()), data)
    assert (other.categories, other.training_answers) == ({}, None)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_answers_have_the_form_of_the_task(task: str) -> None:
    data = make_training_set(task)
    estimator = LinearRegression() if task == "regression" else LogisticRegression(max_iter=500)
    fitted = fit_small(by_name(estimator), data)
    answers = to_answers(fitted, data.inputs)
    assert answers.dtype == data.task.output_dtype
    assert not data.task.invalid(answers).any()
    assert fitted.outputs == ([0, 1, 2] if task == "multiclass" else [])


def test_weights_reach_the_last_step_of_a_pipeline() -> None:
    data = make_training_set("regression")
    weights = data.truth * 0 + np.where(data.inputs["rooms"] > 4, 1000.0, 0.001)
    plain, weighted = (fit_small(by_name(Ridge()), rows) for rows in (data, replace(data, weights=weights)))
    heavy = data.inputs["rooms"].to_numpy() > 4

    def error_on_heavy_rows(fitted: Fitted) -> float:
        return float(((fitted.predict(data.inputs) - data.truth.to_numpy())[heavy] ** 2).mean())

    assert error_on_heavy_rows(weighted) < error_on_heavy_rows(plain)


def test_voting_classifiers_are_fitted_so_that_they_convert() -> None:
    vote = VotingClassifier([("a", LogisticRegression()), ("b", LogisticRegression(C=0.1))], voting="soft")
    fitted = fit_small(by_name(vote), make_training_set("binary"))
    assert fitted.estimator[-1].flatten_transform is False


def test_parameters_are_those_that_are_plain_values() -> None:
    parameters = parameters_of(make_pipeline(SimpleImputer(), Ridge(alpha=2.0)))
    assert parameters["estimator"] == "Pipeline"
    assert parameters["ridge__alpha"] == 2.0
    assert "ridge" not in parameters, "an object: it stands in the code"
    assert Fitted(Path("a/net.onnx"), "binary", (), [], lambda rows: np.empty(0)).parameters == {"file": "net.onnx"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lightgbm = Fitted(LGBMClassifier(num_leaves=5), "binary", (), [], lambda rows: np.empty(0))
        assert lightgbm.parameters["num_leaves"] == 5
        assert "estimator" not in lightgbm.parameters
