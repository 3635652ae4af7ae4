"""Training in a notebook: the candidate that `mlops run` would make, fitted and tested; nothing is registered."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from mlops_lab import project as folder
from mlops_lab.clock import parse_moment
from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.features.definition import Features
from mlops_lab.inference.predictor import Predictor
from mlops_lab.loop.tick import Loop
from mlops_lab.notebook.answers import LabelledAnswers, join_inputs, without_loop_columns
from mlops_lab.notebook.project import AnyProject, Project, open_project
from mlops_lab.notebook.result import Model, Result
from mlops_lab.notebook.saving import is_estimator
from mlops_lab.project import PIPELINE_NAME
from mlops_lab.registry.signing.sign import key_for_version, sign_package
from mlops_lab.registry.trust import trust_of_project
from mlops_lab.training.candidate import choose_rows, make_plan, prepare_candidate
from mlops_lab.training.packaging import NoEngineAgrees, Packaged, package
from mlops_lab.training.pipeline import Pipeline, load_pipeline
from mlops_lab.training.place import fit_at_place
from mlops_lab.training.training_set import TrainingSet


def train(
    project: AnyProject,
    model: Model | None = None,
    *,
    features: Features | None = None,
    now: datetime | str | None = None,
) -> Result:
    """A candidate, trained as of now, just as `mlops run` trains it: same data, same rows held out, same package.

    Without `model` or `features` those of pipeline.py are taken. New rows of the data files are loaded first; nothing
    else is written. `now` is the moment to train as of (without a zone: UTC). InvalidInput in the same cases as
    `mlops run`.
    """
    opened = open_project(project)
    loop = Loop(opened.files)
    moment = parse_moment(str(now)) if now else loop.now()
    loop.load(moment)
    pipeline = _choose(opened, model, features)
    try:
        candidate = prepare_candidate(opened.files, loop.lake, now=moment, pipeline=pipeline)
        candidate = choose_rows(opened.files, candidate)
        began = time.perf_counter()
        fitted = fit_at_place(opened.files.settings.training, pipeline, candidate.data)
        seconds = time.perf_counter() - began
        packaged = package(
            fitted,
            make_plan(opened.files, candidate, fitted),
            candidate.data.inputs,
            trust=trust_of_project(opened.files),
            try_all=opened.files.settings.model.try_all,
        )
    except (InvalidInput, NoEngineAgrees) as error:
        if error.where and (features if _is_of_features(error) else model) is not None:
            error.where = error.where.replace(PIPELINE_NAME, "your cell")
        raise
    predictor = _open_package(packaged, opened.files)
    answers = _answer_holdout(opened.files, candidate.data, predictor)
    return Result(
        opened, fitted.estimator, candidate, predictor, answers, packaged.agreement, seconds, given=(model, features)
    )


def _choose(project: Project, model: Model | None, features: Features | None) -> Pipeline:
    """The pipeline of the file, with the given parts in place of its own; no file is needed where both are given."""
    if features is not None and not isinstance(features, Features):
        raise InvalidInput(
            f"features is a {type(features).__name__}",
            code="bad_features",
            where="train(features=...)",
            hint="from mlops_lab.features import Features; features = Features(inputs=[...])",
        )
    if model is None or features is None:
        saved = load_pipeline(project.files)
        if model is None and features is None:
            return saved
        model = saved.model if model is None else model
        features = saved.features if features is None else features
    features.as_dict()  # as with the file: features that cannot be written into a package are refused first
    return Pipeline(features, _as_function(model), fingerprint="")


def _as_function(model: Model) -> Callable[[], Any]:
    """A function that makes the model; for an estimator, one that makes unfitted copies."""
    if not is_estimator(model):
        return model if callable(model) else lambda: model
    from sklearn.base import clone

    return lambda: clone(model)


def _is_of_features(error: MlopsError) -> bool:
    return error.code == "bad_features"


def _answer_holdout(project: folder.Project, data: TrainingSet, predictor: Predictor) -> LabelledAnswers:
    """The answers to the rows held out."""
    return LabelledAnswers(
        data.task,
        join_inputs(without_loop_columns(project, data.holdout), data.holdout_inputs),
        data.holdout_truth,
        predictor.score(data.holdout_inputs),
        data.task.constant(data.truth, data.holdout.height),
    )


def _open_package(packaged: Packaged, project: folder.Project) -> Predictor:
    """What a server would load, read from a temporary folder inside the project, whose settings say what it trusts."""
    with tempfile.TemporaryDirectory(dir=project.home) as name:
        package_folder = Path(name) / "package"
        packaged.write(package_folder)
        if (key := key_for_version(project.home, is_first=False)) is not None:
            sign_package(package_folder, key, home=project.home)
        return Predictor(package_folder, version=0)
