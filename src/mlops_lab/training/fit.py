"""Fit the project's estimator and take from it what can be served without executing code."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.engines.encoding import Encoder, learn_categories
from mlops_lab.registry.frames import picks_columns, to_matrix, to_pandas
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.tasks.base import to_series
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.training.agreement import Answers
from mlops_lab.training.engine_options import is_lightgbm
from mlops_lab.training.pipeline import Pipeline, explain_failure
from mlops_lab.training.training_set import TrainingSet

PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth"})
"""The endings of files that run code when they are loaded."""


@dataclass(frozen=True)
class Fitted:
    """A model that was trained and is no file yet (`training.packaging`); of a file that was trained elsewhere
    `estimator` is the path.

    `answer` asks it as it is; what that means: see `to_answers`. `outputs` are the place of each class that it knows,
    `categories` the codes that texts have (LightGBM alone). `see` makes of inputs what the estimator is given. `known`
    are the answers to the rows learned from that the training itself ended with, where it tells them.
    """

    estimator: Any
    task: str
    classes: Sequence[str]
    outputs: list[int]
    answer: Callable[[pl.DataFrame], Answers]
    see: Callable[[pl.DataFrame], Any] = to_matrix
    categories: dict[str, list[str]] = field(default_factory=dict)
    known: Answers | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What it was made with."""
        if isinstance(self.estimator, Path):
            return {"file": self.estimator.name}
        return dict(self.estimator.get_params()) if is_lightgbm(self.estimator) else parameters_of(self.estimator)


def fit(pipeline: Pipeline, data: TrainingSet) -> Fitted:
    """The project's estimator, fitted. InvalidInput where it cannot be made or fitted."""
    estimator = make_estimator(pipeline)
    return _take_file(pipeline, estimator, data) if isinstance(estimator, Path) else learn(pipeline, estimator, data)


def make_estimator(pipeline: Pipeline, parameters: Mapping[str, Any] | None = None) -> Any:
    """What `model()` returns, called with some parameters: an estimator, or the path of a file."""
    estimator = ask(pipeline, lambda: pipeline.model(**(parameters or {})))
    if isinstance(estimator, str | Path):
        return Path(estimator)
    if not hasattr(estimator, "fit") or isinstance(estimator, type):
        raise _no_estimator(estimator)
    return estimator


def learn(pipeline: Pipeline, estimator: Any, data: TrainingSet) -> Fitted:
    """The estimator, fitted. InvalidInput where it cannot be."""
    return (_learn_lightgbm if is_lightgbm(estimator) else _learn_any)(pipeline, data, estimator)


def to_answers(fitted: Fitted, inputs: pl.DataFrame) -> pl.Series:
    """What it answers to some inputs, as the task has it."""
    return to_series(OutputMapping(fitted).of_rows(fitted.answer(inputs)))


def _learn_lightgbm(pipeline: Pipeline, data: TrainingSet, estimator: Any) -> Fitted:
    categories = learn_categories(data.inputs)
    encoder = Encoder(pipeline.features.inputs, categories)
    matrix, names = encoder.encode(data.inputs), list(pipeline.features.inputs)
    columns = [index for index, name in enumerate(names) if name in categories]
    options: dict[str, Any] = {"feature_name": names, "categorical_feature": columns or "auto"}
    if data.weights is not None:
        options["sample_weight"] = data.weights.to_numpy()
    known: list[Answers] = []
    ask(pipeline, lambda: estimator.fit(matrix, _truth(data), callbacks=[partial(_keep_answers, known)], **options))
    booster = estimator.booster_

    def answer(rows: pl.DataFrame) -> Answers:
        return np.asarray(booster.predict(encoder.encode(rows)), dtype=np.float64)

    return Fitted(
        estimator, data.task.kind, _classes(data), _outputs(estimator, data), answer, encoder.encode, categories,
        known[0] if known else None,
    )  # fmt: skip


def _keep_answers(known: list[Answers], step: Any) -> None:
    """Called by LightGBM after every tree: at the last one, keep what it has come to say of the rows it learns from."""

    def keep(answers: Answers, _: Any) -> tuple[str, float, bool]:
        known.append(np.array(answers))
        return "", 0.0, True

    if step.iteration == step.end_iteration - 1:
        step.model.eval_train(keep)


def _learn_any(pipeline: Pipeline, data: TrainingSet, estimator: Any) -> Fitted:
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

    return Fitted(estimator, data.task.kind, _classes(data), _outputs(estimator, data), answer, see)


def _take_file(pipeline: Pipeline, path: Path, data: TrainingSet) -> Fitted:
    """A model that was trained elsewhere and exported: what ONNX Runtime says to it is what it says."""
    if path.suffix.lower() in PICKLES or _is_pickle(path):
        raise InvalidInput(
            f'"{path}" is a pickle: to load it is to run whatever code it holds',
            code="pickle_refused",
            where="pipeline.py, model()",
            hint="return the estimator itself, to be trained here; or an ONNX file, written where it was trained "
            "(skl2onnx, torch.onnx.export, tf2onnx)",
        )
    if path.suffix != ".onnx" or not path.is_file():
        raise InvalidInput(
            f'"{path}" is no ONNX file',
            code="no_onnx",
            where="pipeline.py, model()",
            hint="return an estimator, or the path of a file that torch.onnx.export or tf2onnx wrote (*.onnx)",
        )
    from mlops_lab.registry.engines.onnx import OnnxEngine

    engine = OnnxEngine(path, pipeline.features.inputs)
    outputs = list(range(len(data.task.parts(data.truth.head(0), data.task.constant(data.truth, 0)))))
    return Fitted(path, data.task.kind, _classes(data), outputs, engine.score)


def _is_pickle(path: Path) -> bool:
    """By what is in it, whatever it is called: a pickle, or PyTorch's archive of one."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".pkl") for name in archive.namelist())
    if not path.is_file():
        return False
    with path.open("rb") as file:
        begin = file.read(2)
    return begin[:1] == b"\x80" and begin[1:] in {bytes([protocol]) for protocol in range(2, 6)}


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
