"""A training in a notebook is the training of `mlops run`, and registers nothing."""

from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_lab import Project, train
from mlops_lab.errors import InvalidInput
from mlops_lab.features import Features

NUMBERS = Features(inputs=["sepal_length", "petal_length"])


def scaled() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.5))


def test_it_is_the_model_that_a_run_would_make(tiny: Any, shop: Project) -> None:
    result = train(shop, now=tiny.now)
    assert result.candidate.data.fingerprint == tiny.training.fingerprint
    assert result.cutoff == tiny.training.cutoff
    assert result.answers.output.equals(tiny.predictor.score(tiny.training.holdout_inputs))
    assert (result.agreement.engine, result.agreement.rows) == (tiny.agreement.engine, tiny.agreement.rows)
    assert result.agreement.differing == tiny.agreement.differing == 0
    assert result.model.n_estimators == 20
    assert result.model.n_features_ == len(result.features.inputs)
    assert result.seconds > 0


def test_nothing_is_registered_or_decided(tiny: Any, shop: Project) -> None:
    train(shop, now=tiny.now)
    assert set(shop.tables) == {"orders", "stock"}
    assert not shop.files.mlflow_path.exists()
    assert not shop.files.deployment_path.exists()
    assert shop.history().is_empty()


def test_new_data_is_loaded_first(fresh: Project) -> None:
    assert fresh.tables == ()
    result = train(fresh)
    assert set(fresh.tables) == {"orders", "stock"}
    assert result.quality["log_loss"] < result.answers.baseline["log_loss"]


@pytest.mark.parametrize("model", [scaled, scaled(), LogisticRegression], ids=["function", "estimator", "class"])
def test_model_and_features_may_come_from_cells(iris: Project, model: Any) -> None:
    result = train(iris, model, features=NUMBERS)
    assert result.quality["accuracy"] > 0.8
    assert {"output_setosa", "output_versicolor", "output_virginica"} <= set(result.holdout.columns)
    assert hasattr(result.model, "predict_proba")


def test_a_given_estimator_is_not_changed(iris: Project) -> None:
    given = LogisticRegression(C=0.1)
    result = train(iris, given, features=NUMBERS)
    assert not hasattr(given, "coef_")
    assert result.model.C == 0.1


def test_features_of_the_file_with_a_model_of_a_cell(tiny: Any, shop: Project) -> None:
    def quick() -> Any:
        from lightgbm import LGBMClassifier

        return LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)

    result = train(shop, quick, now=tiny.now)
    assert result.features.version == tiny.pipeline.features.version
    assert result.model.n_estimators == 5
    assert result.title == "quick (LGBMClassifier)"


def fails() -> Any:
    return LogisticRegression(C=1 / 0)


@pytest.mark.parametrize(
    ("model", "features", "code"),
    [
        (fails, NUMBERS, "bad_pipeline"),
        (lambda: len, NUMBERS, "unsupported_model"),
        (lambda: "nothing.onnx", NUMBERS, "no_onnx"),
        (42, NUMBERS, "unsupported_model"),
        (scaled, ["petal_length"], "bad_features"),
        (scaled, Features(inputs=["petal_size"]), "bad_features"),
        (scaled, None, "no_pipeline"),
        (None, None, "no_pipeline"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_a_hint(iris: Project, model: Any, features: Any, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        train(iris, model, features=features)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_failing_cell_is_named_with_its_line(iris: Project) -> None:
    with pytest.raises(InvalidInput) as caught:
        train(iris, fails, features=NUMBERS)
    assert caught.value.where == f"your cell, line {fails.__code__.co_firstlineno + 1}"
    assert caught.value._render_traceback_() == [f"error: {caught.value}", f"hint: {caught.value.hint}"]
