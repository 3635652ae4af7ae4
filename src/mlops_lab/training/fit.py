"""Fit the project's estimator and take from it what can be served without executing code."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.encoding import Encoder, learn_categories
from mlops_lab.registry.engine import Arrangement, open_engine
from mlops_lab.registry.package import Plan, model_file
from mlops_lab.training.agreement import TOLERANCE, Agreement, Answers, compare
from mlops_lab.training.convert import picks_columns, to_onnx
from mlops_lab.training.frames import to_matrix, to_pandas
from mlops_lab.training.pipeline import Pipeline, explain_failure
from mlops_lab.training.task import Multiclass, to_series
from mlops_lab.training.training_set import TrainingSet


@dataclass(frozen=True)
class Fitted:
    """A trained model: the file that an engine reads, what the plan must say of it, its parameters, the model itself,
    and `answer`, by which it is asked for the answers to some inputs."""

    engine: str
    model: bytes
    categories: dict[str, list[str]]
    outputs: list[int]
    parameters: dict[str, Any]
    estimator: Any
    answer: Callable[[pl.DataFrame], Answers]


@dataclass(frozen=True)
class Learned:
    """An estimator that has learned and is not written yet. `answer` asks it as it is; what it means: see `to_answers`.

    `categories` are the codes that texts have (LightGBM alone), `outputs` the place of each class that it knows.
    """

    task: str
    classes: Sequence[str]
    outputs: list[int]
    categories: dict[str, list[str]]
    answer: Callable[[pl.DataFrame], Answers]


def fit(pipeline: Pipeline, data: TrainingSet) -> Fitted:
    """The project's estimator, fitted. InvalidInput where it cannot be made, fitted, or written without code."""
    estimator = make_estimator(pipeline)
    if isinstance(estimator, Path):
        return _take_file(pipeline, estimator, data)
    learned = learn(pipeline, estimator, data)
    if is_lightgbm(estimator):  # alone: served by its own library, from its text format
        engine, model, parameters = "lightgbm", estimator.booster_.model_to_string().encode(), estimator.get_params()
    else:
        engine, model, parameters = "onnx", to_onnx(estimator, data.inputs), parameters_of(estimator)
    return Fitted(engine, model, learned.categories, learned.outputs, parameters, estimator, learned.answer)


def make_estimator(pipeline: Pipeline, parameters: Mapping[str, Any] | None = None) -> Any:
    """What `model()` returns, called with some parameters: an estimator, or the path of a file."""
    estimator = ask(pipeline, lambda: pipeline.model(**(parameters or {})))
    if isinstance(estimator, str | Path):
        return Path(estimator)
    if not hasattr(estimator, "fit") or isinstance(estimator, type):
        raise _no_estimator(estimator)
    return estimator


def is_lightgbm(estimator: Any) -> bool:
    """Whether it is one of LightGBM's own."""
    return hasattr(type(estimator), "booster_")


def learn(pipeline: Pipeline, estimator: Any, data: TrainingSet) -> Learned:
    """The estimator, fitted. InvalidInput where it cannot be."""
    return (_learn_lightgbm if is_lightgbm(estimator) else _learn_any)(pipeline, data, estimator)


def to_answers(learned: Learned, inputs: pl.DataFrame) -> pl.Series:
    """What it answers to some inputs, as the task has it."""
    return to_series(Arrangement(learned).of_rows(learned.answer(inputs)))


def prove(fitted: Fitted, plan: Plan, inputs: pl.DataFrame) -> Agreement:
    """How well the file, read by the engine that will serve it, answers like the model it was made from."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / model_file(plan.engine)).write_bytes(fitted.model)
        engine = open_engine(Path(folder), plan)
    arrangement = Arrangement(plan)
    return compare(
        fitted.engine,
        inputs,
        model=lambda rows: arrangement.of_rows(fitted.answer(rows)),
        packaged=lambda rows: arrangement.of_rows(engine.score(rows)),
        tolerance=0.0 if engine.exact else TOLERANCE,
        scale=plan.scale,
    )


def _learn_lightgbm(pipeline: Pipeline, data: TrainingSet, estimator: Any) -> Learned:
    categories = learn_categories(data.inputs)
    encoder = Encoder(pipeline.features.inputs, categories)
    matrix, names = encoder.encode(data.inputs), list(pipeline.features.inputs)
    columns = [index for index, name in enumerate(names) if name in categories]
    options: dict[str, Any] = {"feature_name": names, "categorical_feature": columns or "auto"}
    if data.weights is not None:
        options["sample_weight"] = data.weights.to_numpy()
    ask(pipeline, lambda: estimator.fit(matrix, _truth(data), **options))
    booster = estimator.booster_

    def answer(rows: pl.DataFrame) -> Answers:
        return np.asarray(booster.predict(encoder.encode(rows)), dtype=np.float64)

    return Learned(data.task.kind, _classes(data), _outputs(estimator, data), categories, answer)


def _learn_any(pipeline: Pipeline, data: TrainingSet, estimator: Any) -> Learned:
    # of voting classifiers; it changes no answer, and otherwise they do not convert
    flat = {name: False for name in estimator.get_params() if name.split("__")[-1] == "flatten_transform"}
    estimator.set_params(**flat)
    see = to_pandas if picks_columns(estimator) else to_matrix
    ask(pipeline, lambda: estimator.fit(see(data.inputs), _truth(data), **_weigh(estimator, data)))
    if data.task.kind != "regression" and not hasattr(estimator, "predict_proba"):
        raise InvalidInput(
            f"{type(estimator).__name__} gives no probabilities",
            code="no_probabilities",
            where="pipeline.py, model()",
            hint="wrap it: CalibratedClassifierCV(...), or choose a loss that gives them",
        )

    def answer(rows: pl.DataFrame) -> Answers:
        asked = estimator.predict if data.task.kind == "regression" else estimator.predict_proba
        return np.asarray(asked(see(rows)), dtype=np.float64)

    return Learned(data.task.kind, _classes(data), _outputs(estimator, data), {}, answer)


def _take_file(pipeline: Pipeline, path: Path, data: TrainingSet) -> Fitted:
    """A model that was trained elsewhere and exported: what ONNX Runtime says to it is what it says."""
    if path.suffix != ".onnx" or not path.is_file():
        raise InvalidInput(
            f'"{path}" is no ONNX file',
            code="no_onnx",
            where="pipeline.py, model()",
            hint="return an estimator, or the path of a file that torch.onnx.export or tf2onnx wrote (*.onnx)",
        )
    from mlops_lab.registry.onnx import OnnxEngine

    engine = OnnxEngine(path, pipeline.features.inputs)
    outputs = list(range(len(data.task.parts(data.truth.head(0), data.task.constant(data.truth, 0)))))
    return Fitted("onnx", path.read_bytes(), {}, outputs, {"file": path.name}, path, engine.score)


def _no_estimator(found: Any) -> InvalidInput:
    kind = "a function" if callable(found) and hasattr(found, "__code__") else f"a {type(found).__name__}"
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
    """The place among all classes of each class that was learned."""
    return [int(place) for place in estimator.classes_] if data.task.kind == "multiclass" else []


def _weigh(estimator: Any, data: TrainingSet) -> dict[str, Any]:
    """The weights as the last step of a pipeline, or the estimator itself, takes them."""
    if data.weights is None:
        return {}
    steps = getattr(estimator, "steps", None)
    return {f"{steps[-1][0]}__sample_weight" if steps else "sample_weight": data.weights.to_numpy()}


def parameters_of(estimator: Any) -> dict[str, Any]:
    """The parameters that are values, for MLflow; those that are objects are in the code."""
    plain = (str, int, float, bool, type(None))
    found = {name: value for name, value in estimator.get_params().items() if isinstance(value, plain)}
    return {"estimator": type(estimator).__name__, **found}


def ask(pipeline: Pipeline, work: Callable[[], Any]) -> Any:
    """What the project's code gives; whatever it raises is told with its line."""
    try:
        return work()
    except Exception as error:
        code = getattr(pipeline.model, "__code__", None)
        raise explain_failure(error, code.co_filename if code else "") from error
