"""Fit the project's estimator and take from it what can be served without executing code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.encoding import Encoder, learn_categories
from mlops_lab.training.pipeline import Pipeline, explain_failure
from mlops_lab.training.training_set import TrainingSet


@dataclass(frozen=True)
class Fitted:
    """A trained model: LightGBM's text, the categories of its text inputs, and its parameters."""

    model_text: str
    categories: dict[str, list[str]]
    parameters: dict[str, Any]
    booster: Any


def fit(pipeline: Pipeline, data: TrainingSet) -> Fitted:
    """The project's estimator, fitted. InvalidInput where it cannot be made or fitted, or is no LightGBM classifier."""
    estimator = _ask(pipeline, pipeline.model)
    if not hasattr(type(estimator), "booster_") or not hasattr(estimator, "predict_proba"):
        raise InvalidInput(
            f"{type(estimator).__name__} cannot be packaged yet: only LightGBM classifiers can",
            code="unsupported_model",
            where="pipeline.py, model()",
            hint="return a lightgbm.LGBMClassifier",
        )
    categories = learn_categories(data.inputs)
    matrix = Encoder(pipeline.features.inputs, categories).encode(data.inputs)
    columns = [index for index, name in enumerate(pipeline.features.inputs) if name in categories]
    names = list(pipeline.features.inputs)
    truth = data.truth.to_numpy()
    _ask(pipeline, lambda: estimator.fit(matrix, truth, feature_name=names, categorical_feature=columns or "auto"))
    booster = estimator.booster_
    return Fitted(booster.model_to_string(), categories, estimator.get_params(), booster)


def _ask(pipeline: Pipeline, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:  # of the project's code, or of what it asked for
        code = getattr(pipeline.model, "__code__", None)
        raise explain_failure(error, code.co_filename if code else "") from error
