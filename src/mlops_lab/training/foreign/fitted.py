"""A foreign model as what a training makes: it answers the project's inputs, in the form of the project's task."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.columns import Answers
from mlops_lab.registry.engines.encoding import Encoder
from mlops_lab.registry.frames import picks_columns, to_matrix, to_pandas
from mlops_lab.registry.trust import Trust
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.training.fit import Fitted, TrainedElsewhere
from mlops_lab.training.foreign.mlmodel import ForeignFile
from mlops_lab.training.foreign.open import ForeignBooster, open_foreign
from mlops_lab.training.training_set import TrainingSet

_WHERE = "pipeline.py, features"


@dataclass(frozen=True)
class ForeignModel(TrainedElsewhere):
    """A model of MLflow, with what the project trusts."""

    file: ForeignFile
    trust: Trust

    def fitted_for(self, data: TrainingSet) -> Fitted:
        """The model for the inputs of a training set. InvalidInput where it takes other inputs or has other classes."""
        task, inputs = data.task, data.inputs
        estimator = open_foreign(self.file, task=task.kind, trust=self.trust)
        _check_names(self.file.inputs or _names_of(estimator), inputs.columns)
        if isinstance(estimator, ForeignBooster):
            categories = _categories(estimator, inputs)
            to_input: Callable[[pl.DataFrame], Any] = Encoder(inputs.columns, categories).encode
            method = estimator.booster_.predict
        else:
            categories, to_input = {}, to_pandas if picks_columns(estimator) else to_matrix
            method = _method_of(estimator, self.file, is_number=task.kind == "regression")

        def predict(rows: pl.DataFrame) -> Answers:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it was fitted with names, or with another release
                return np.asarray(method(to_input(rows)), dtype=np.float64)

        answers = _answer_some(predict, inputs.head(2))
        classes = list(task.classes) if isinstance(task, Multiclass) else []
        labels = getattr(estimator, "classes_", None)
        outputs = _find_outputs(classes, labels, count=answers.shape[1] if answers.ndim == 2 else 1)
        if task.kind == "binary":
            _check_binary(answers, labels)
        return Fitted(estimator, task.kind, classes, outputs, predict, to_input, categories)


def _names_of(estimator: Any) -> tuple[str, ...]:
    """The names of the inputs that the model was fitted to; none where it does not know them."""
    if isinstance(estimator, ForeignBooster):
        names = estimator.booster_.feature_name()
        return () if names == [f"Column_{index}" for index in range(len(names))] else tuple(names)
    return tuple(str(name) for name in getattr(estimator, "feature_names_in_", ()))


def _check_names(names: Sequence[str], inputs: Sequence[str]) -> None:
    """InvalidInput where the model's inputs are not those of the project, in their order."""
    if names and list(names) != list(inputs):
        raise InvalidInput(
            f"the model takes {len(names)} inputs: {', '.join(names)}; the project has {len(inputs)}: "
            f"{', '.join(inputs)}",
            code="other_inputs",
            where=_WHERE,
            hint="define the model's inputs as features, with these names and in this order: inputs=[...]",
        )


def _categories(estimator: ForeignBooster, inputs: pl.DataFrame) -> dict[str, list[str]]:
    """The codes of the text inputs, as pandas gave them when the model was trained."""
    texts = [name for name, dtype in inputs.schema.items() if dtype == pl.String]
    coded = estimator.booster_.pandas_categorical or []
    if len(texts) != len(coded) or not all(isinstance(value, str) for values in coded for value in values):
        raise InvalidInput(
            f"the model has {len(coded)} categorical inputs, and the project {len(texts)} of text: {', '.join(texts)}",
            code="other_inputs",
            where=_WHERE,
            hint="train it on a pandas frame whose text columns are categorical, and no others",
        )
    return dict(zip(texts, coded, strict=True))


def _method_of(estimator: Any, file: ForeignFile, *, is_number: bool) -> Callable[[Any], Any]:
    name = "predict" if is_number else "predict_proba"
    if not hasattr(estimator, name):
        raise InvalidInput(
            f"{type(estimator).__name__} has no {name}",
            code="no_probabilities",
            where=file.name,
            hint="wrap it where it is trained: CalibratedClassifierCV(...), or choose a loss that gives probabilities",
        )
    method: Callable[[Any], Any] = getattr(estimator, name)
    return method


def _answer_some(predict: Callable[[pl.DataFrame], Answers], rows: pl.DataFrame) -> Answers:
    try:
        return predict(rows)
    except Exception as error:  # libraries raise whatever they like
        raise InvalidInput(
            f"the model does not answer the project's inputs: {(str(error).splitlines() or ['?'])[0][:300]}",
            code="other_inputs",
            where=_WHERE,
            hint="its inputs must be those that it was trained on: number, order and types",
        ) from error


def _find_outputs(classes: Sequence[str], labels: Sequence[Any] | None, *, count: int) -> list[int]:
    """For each class that the model knows, its index among the project's: by name, or, where its labels are only
    numbers from 0 on, by place."""
    if not classes:
        return []
    known = [str(label) for label in (range(count) if labels is None else labels)]
    if all(name in classes for name in known):
        return [list(classes).index(name) for name in known]
    if known == [str(index) for index in range(len(classes))]:
        return list(range(len(classes)))
    raise InvalidInput(
        f"the model knows the classes {', '.join(known)}; the project has {', '.join(classes)}",
        code="other_classes",
        where="mlops.toml, the label's values",
        hint="train it with the project's names as labels, or with their numbers from 0 on",
    )


def _check_binary(answers: Answers, labels: Sequence[Any] | None) -> None:
    known = [0, 1] if labels is None else list(labels)  # False and True are equal to these
    if known != [0, 1] or (answers.ndim == 2 and answers.shape[1] != 2):
        raise InvalidInput(
            f"the model does not answer no or yes: its labels are {', '.join(map(str, known))}",
            code="other_classes",
            where="mlops.toml, the label",
            hint="train it with the labels false and true, or 0 and 1",
        )
