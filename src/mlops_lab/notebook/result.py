"""The result of a training: the model, its answers to rows it was not trained on, and how to save it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.features.definition import Features
from mlops_lab.gates.suspicion import explain_suspicion
from mlops_lab.inference.predictor import Predictor
from mlops_lab.notebook.answers import LabelledAnswers, Measures
from mlops_lab.notebook.display import Displayed, Sheet, write_value
from mlops_lab.notebook.project import Project
from mlops_lab.notebook.saving import describe_pipeline, read_session, save_pipeline
from mlops_lab.training.agreement import Agreement
from mlops_lab.training.candidate import Candidate

Model = Callable[[], Any] | Any
"""A function that returns an estimator, like `model` in pipeline.py; or an estimator, of which a copy is trained."""


@dataclass(frozen=True, repr=False)
class Result(Displayed):
    """A trained candidate: `model` is the fitted estimator, `predictor` what a server would load.

    `candidate` holds the training data and the rows held out; `agreement` says how far the answers of the two differ;
    `seconds` is how long fitting took. `given`: the model and the features that came from the notebook, None where
    those of pipeline.py were taken.
    """

    project: Project
    model: Any
    candidate: Candidate
    predictor: Predictor
    answers: LabelledAnswers
    agreement: Agreement
    seconds: float
    given: tuple[Model | None, Features | None]

    @property
    def features(self) -> Features:
        """The features that the model uses."""
        return self.candidate.pipeline.features

    @property
    def cutoff(self) -> datetime:
        """The model was trained on requests before this moment; later ones are held out."""
        return self.candidate.data.cutoff

    @property
    def title(self) -> str:
        """The name of the result."""
        kind = type(getattr(self.model, "steps", [("", self.model)])[-1][1]).__name__
        name = getattr(self.candidate.pipeline.model, "__name__", "<lambda>")
        return f"{kind} for {self.project.files.name}" if name in {"model", "<lambda>", kind} else f"{name} ({kind})"

    @property
    def holdout(self) -> pl.DataFrame:
        """The rows held out, the model's inputs, and its answers: `output`, or one `output_CLASS` for each class."""
        return self.answers.rows.with_columns(_columns(self.predictor, self.answers.output))

    @property
    def quality(self) -> Measures:
        """The quality of the answers to the rows held out, by the measures of the task."""
        return self.answers.quality

    @property
    def suspicion(self) -> str | None:
        """Why the answers to the rows held out may be too good to be true, and the inputs to look at; None if not."""
        answers = self.answers
        if answers.truth.is_empty():
            return None
        return explain_suspicion(self.candidate.data, answers.truth, answers.constant, {"the model": answers.output})

    def save(self, *, replace: bool = False) -> Path:
        """Write pipeline.py: the statements of this notebook that make this model and these features.

        Then `mlops run` trains the same. Conflict where the file exists with other content, unless `replace`.
        """
        model, features = self.given
        if model is None and features is None:
            return self.project.files.pipeline_path
        files, trained = self.project.files, describe_pipeline(self.features, self.model)
        return save_pipeline(files, read_session(), model=model, features=features, trained=trained, replace=replace)

    def _sheet(self) -> Sheet:
        agreement, trained_rows = self.agreement, self.candidate.data.inputs.height
        same = f"{agreement.rows - agreement.differing:,} of {agreement.rows:,} answers like the model's"
        facts = [
            ("trained on", f"{trained_rows:,} rows before {write_value(self.cutoff)} UTC"),
            ("held out", f"{self.answers.rows.height:,} rows"),
            ("inputs", ", ".join(self.features.inputs)),
            ("as a package", f"{agreement.engine}, {same}"),
            ("seconds", f"{self.seconds:.1f}"),
        ]
        if warning := self.suspicion:
            facts.append(("warning", warning))
        return Sheet(self.title, facts, [self.answers.grid()])


def _columns(predictor: Predictor, output: pl.Series) -> list[pl.Series]:
    """LabelledAnswers as columns of numbers: `output`, or one for each class."""
    classes = predictor.plan.classes
    if not classes:
        return [output.alias("output")]
    return [output.list.get(index).alias(f"output_{name}") for index, name in enumerate(classes)]
