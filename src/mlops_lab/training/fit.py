"""Fit the project's estimator, and take from it what can be served without executing code."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.columns import Answers
from mlops_lab.registry.engines.encoding import Encoder, learn_categories
from mlops_lab.registry.frames import picks_columns, to_matrix, to_pandas
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.tasks.base import to_series
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.training.environment import Environment
from mlops_lab.training.exported import open_exported
from mlops_lab.training.libraries import is_lightgbm
from mlops_lab.training.pipeline import Pipeline, run_project_code
from mlops_lab.training.training_set import TrainingSet


@dataclass(frozen=True)
class Fitted:
    """A trained model that is not yet written to a file (see `training.packaging`).

    `estimator` is a path where the model was trained elsewhere. `predict` computes the model's own outputs, which
    `to_answers` interprets. `outputs` is the index of each class that it knows, `categories` are the codes of text
    inputs (LightGBM only), and `to_input` makes what the estimator is given. `training_answers` are its outputs for the
    rows that it was trained on, where the library tells them at the end of the training. `environment` is that of
    another machine on which it was fitted.
    """

    estimator: Any
    task: str
    classes: Sequence[str]
    outputs: list[int]
    predict: Callable[[pl.DataFrame], Answers]
    to_input: Callable[[pl.DataFrame], Any] = to_matrix
    categories: dict[str, list[str]] = field(default_factory=dict)
    training_answers: Answers | None = None
    environment: Environment | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the estimator, or the name of the file."""
        if isinstance(self.estimator, Path):
            return {"file": self.estimator.name}
        return dict(self.estimator.get_params()) if is_lightgbm(self.estimator) else parameters_of(self.estimator)


class TrainedElsewhere(ABC):
    """A model that needs no training, in the place of an estimator."""

    @abstractmethod
    def fitted_for(self, data: TrainingSet) -> Fitted:
        """The model for the inputs and the task of a training set; InvalidInput where it does not fit them."""


def fit(pipeline: Pipeline, data: TrainingSet) -> Fitted:
    """The project's estimator, fitted. InvalidInput where it cannot be made or fitted."""
    estimator = make_estimator(pipeline)
    if isinstance(estimator, TrainedElsewhere):
        return estimator.fitted_for(data)
    if isinstance(estimator, Path):
        return _take_exported(pipeline, estimator, data)
    return fit_estimator(pipeline, estimator, data)


def make_estimator(pipeline: Pipeline, parameters: Mapping[str, Any] | None = None) -> Any:
    """The result of `model()`, called with some parameters: an estimator, or the path of a file."""
    estimator = run_project_code(pipeline, lambda: pipeline.model(**(parameters or {})))
    if isinstance(estimator, str | Path):
        return Path(estimator)
    if isinstance(estimator, TrainedElsewhere):
        return estimator
    if not hasattr(estimator, "fit") or isinstance(estimator, type):
        raise _not_an_estimator(estimator)
    return estimator


def takes_weights(estimator: Any) -> bool:
    """Whether the rows that an estimator is fitted to can have weights."""
    steps = getattr(estimator, "steps", None)
    return "sample_weight" in inspect.signature((steps[-1][1] if steps else estimator).fit).parameters


def fit_estimator(pipeline: Pipeline, estimator: Any, data: TrainingSet) -> Fitted:
    """The estimator, fitted. InvalidInput where that fails."""
    return (_fit_lightgbm if is_lightgbm(estimator) else _fit_other)(pipeline, data, estimator)


def to_answers(fitted: Fitted, inputs: pl.DataFrame) -> pl.Series:
    """The model's answers to some inputs, in the form of the task."""
    return to_series(OutputMapping(fitted).of_rows(fitted.predict(inputs)))


def _fit_lightgbm(pipeline: Pipeline, data: TrainingSet, estimator: Any) -> Fitted:
    categories = learn_categories(data.inputs)
    encoder = Encoder(pipeline.features.inputs, categories)
    matrix, names = encoder.encode(data.inputs), list(pipeline.features.inputs)
    columns = [index for index, name in enumerate(names) if name in categories]
    options: dict[str, Any] = {"feature_name": names, "categorical_feature": columns or "auto"}
    if data.weights is not None:
        options["sample_weight"] = data.weights.to_numpy()
    kept: list[Answers] = []
    callbacks = [partial(_keep_training_answers, kept)]
    run_project_code(pipeline, lambda: estimator.fit(matrix, _truth(data), callbacks=callbacks, **options))
    booster = estimator.booster_

    def predict(rows: pl.DataFrame) -> Answers:
        return np.asarray(booster.predict(encoder.encode(rows)), dtype=np.float64)

    return Fitted(
        estimator, data.task.kind, _classes(data), _outputs(estimator, data), predict, encoder.encode, categories,
        kept[0] if kept else None,
    )  # fmt: skip


def _keep_training_answers(kept: list[Answers], step: Any) -> None:
    """Called by LightGBM after every tree: after the last one, keep its outputs for the rows that it is trained on."""

    def keep(outputs: Answers, _: Any) -> tuple[str, float, bool]:
        kept.append(np.array(outputs))
        return "", 0.0, True

    if step.iteration == step.end_iteration - 1:
        step.model.eval_train(keep)


def _fit_other(pipeline: Pipeline, data: TrainingSet, estimator: Any) -> Fitted:
    # An option of voting classifiers that changes no answer; with it they do not convert to ONNX.
    flat = {name: False for name in estimator.get_params() if name.split("__")[-1] == "flatten_transform"}
    estimator.set_params(**flat)
    to_input = to_pandas if picks_columns(estimator) else to_matrix
    weights = _weights(estimator, data)
    run_project_code(pipeline, lambda: estimator.fit(to_input(data.inputs), _truth(data), **weights))
    if data.task.kind != "regression" and not hasattr(estimator, "predict_proba"):
        raise InvalidInput(
            f"{type(estimator).__name__} gives no probabilities",
            code="no_probabilities",
            where="pipeline.py, model()",
            hint="wrap it: CalibratedClassifierCV(...), or choose a loss that gives them",
        )

    def predict(rows: pl.DataFrame) -> Answers:
        method = estimator.predict if data.task.kind == "regression" else estimator.predict_proba
        return np.asarray(method(to_input(rows)), dtype=np.float64)

    return Fitted(estimator, data.task.kind, _classes(data), _outputs(estimator, data), predict, to_input)


def _take_exported(pipeline: Pipeline, path: Path, data: TrainingSet) -> Fitted:
    """A model that was trained elsewhere: what ONNX Runtime computes from its file is its answer."""
    engine = open_exported(path, pipeline.features.inputs)
    outputs = list(range(len(data.task.parts(data.truth.head(0), data.task.constant(data.truth, 0)))))
    return Fitted(path, data.task.kind, _classes(data), outputs, engine.score)


def _not_an_estimator(value: Any) -> InvalidInput:
    kind = "a function" if callable(value) and hasattr(value, "__code__") else f"a {type(value).__name__}"
    return InvalidInput(
        f"model() returns {kind}, which cannot be served: a package holds no code",
        code="unsupported_model",
        where="pipeline.py, model()",
        hint="return an estimator with fit and predict (scikit-learn, LightGBM, XGBoost, CatBoost), or the path of an "
        "ONNX file; what a function computes can be a derived feature, as a Polars expression",
    )


def _truth(data: TrainingSet) -> Any:
    truth = data.truth.to_numpy()
    return truth if data.task.kind == "regression" else truth.astype(np.int64)


def _classes(data: TrainingSet) -> Sequence[str]:
    return data.task.classes if isinstance(data.task, Multiclass) else ()


def _outputs(estimator: Any, data: TrainingSet) -> list[int]:
    """For each class that was learned, its index among all classes."""
    return [int(index) for index in estimator.classes_] if data.task.kind == "multiclass" else []


def _weights(estimator: Any, data: TrainingSet) -> dict[str, Any]:
    """The weights, by the name under which the estimator, or the last step of a pipeline, takes them."""
    if data.weights is None:
        return {}
    steps = getattr(estimator, "steps", None)
    return {f"{steps[-1][0]}__sample_weight" if steps else "sample_weight": data.weights.to_numpy()}


def parameters_of(estimator: Any) -> dict[str, Any]:
    """The parameters that are plain values, for MLflow; those that are objects stand in the code."""
    plain = (str, int, float, bool, type(None))
    values = {name: value for name, value in estimator.get_params().items() if isinstance(value, plain)}
    return {"estimator": type(estimator).__name__, **values}
