"""A rehearsal: before a project is kept, its data is loaded, a model trained and packaged, and one row answered.

All of that happens on a sample and in the project's own `.mlops`, which is deleted afterwards.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from mlops_lab.clock import now
from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import package_fingerprint
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold
from mlops_lab.rollout.deploy import deploy
from mlops_lab.serving.answering.opening import open_service
from mlops_lab.training.candidate import make_plan, prepare_candidate
from mlops_lab.training.fit import fit_estimator, make_estimator
from mlops_lab.training.packaging import package
from mlops_lab.training.training_set import MIN_ROWS, TrainingSet

_LOADED_ROWS = 50_000
"""Of a larger table only a sample is loaded."""
_SAMPLED_ROWS, _TRAINED_ROWS, _TREES = 5_000, 500, 5
_SEED = 0
_TOO_SMALL = (
    f"give it more rows with a target: a model is trained on at least {MIN_ROWS}, which have two classes or numbers, "
    "and the last fifth of all rows is held out"
)


def rehearse(folder: Path, frame: pl.DataFrame, *, example: Mapping[str, Any], data: str) -> None:
    """InvalidInput where `mlops run` would refuse the project in `folder`, or a server its `example`.

    `frame` is the table that `data` names, as it was read. The folder is left as it was.
    """
    project = load_project(folder)
    try:
        project.home.mkdir()
        if frame.height > _LOADED_ROWS:
            project = _with_sample(project, frame)
        _answer_first_row(project, _train(project), example)
    except MlopsError as error:
        raise _refuse(error, data) from error
    finally:
        shutil.rmtree(project.home, ignore_errors=True)


def _with_sample(project: Project, frame: pl.DataFrame) -> Project:
    """The project, of some rows of the table, in their order."""
    chosen = np.random.default_rng(_SEED).choice(frame.height, _SAMPLED_ROWS, replace=False)
    path = project.home / "sample.parquet"
    frame[np.sort(chosen)].write_parquet(path)
    plain: dict[str, Any] = {"query": None, "encoding": None, "names": [], "sheet": None}
    source = msgspec.structs.replace(project.settings.source, data=str(path), **plain)
    return replace(project, settings=msgspec.structs.replace(project.settings, source=source))


def _train(project: Project) -> Path:
    """The package of a small model of the project, trained on some rows."""
    lake, moment = Lake(project.lake_path), now()
    load_sources(project, lake, now=moment, received_at=moment)
    candidate = prepare_candidate(project, lake, now=moment)
    rows = _sample(candidate.data)
    estimator = make_estimator(candidate.pipeline)
    counts = [name for name in estimator.get_params() if name.split("__")[-1] == "n_estimators"]
    estimator.set_params(**dict.fromkeys(counts, _TREES))
    fitted = fit_estimator(candidate.pipeline, estimator, rows)
    packaged = package(fitted, make_plan(project, candidate, fitted), rows.inputs)
    folder = project.home / "package"
    packaged.write(folder)
    return folder


def _sample(data: TrainingSet) -> TrainingSet:
    """Some of the rows, in their order, with one of each class at least."""
    random = np.random.default_rng(_SEED)
    chosen = random.choice(data.inputs.height, min(data.inputs.height, _TRAINED_ROWS), replace=False)
    if data.task.kind != "regression":
        chosen = np.concatenate([chosen, np.unique(data.truth.to_numpy(), return_index=True)[1]])
    places = np.unique(chosen)
    return replace(
        data,
        inputs=data.inputs[places],
        truth=data.truth[places],
        weights=None if data.weights is None else data.weights[places],
        moments=data.moments[places],
    )


def _answer_first_row(project: Project, package_folder: Path, example: Mapping[str, Any]) -> None:
    """Serve the package, and ask it the example."""
    evidence = {
        "package": str(package_folder.relative_to(project.root)),
        "fingerprint": package_fingerprint(package_folder),
    }
    decision = Decision(now(), DecisionKind.BOOTSTRAP, 1, "gates", "a rehearsal", "mlops init", evidence)
    deploy(project, Lake(project.lake_path), decisions=[decision], state=fold([decision]))
    service = open_service(project)
    try:
        request = msgspec.json.decode(msgspec.json.encode(example), type=service.schemas.request)
        (answer,) = service.answer([request]).answers
    except msgspec.ValidationError as error:
        hint = "leave the column out: --skip COLUMN"
        raise InvalidInput(f"its last row is no request: {error}", code="bad_request", hint=hint) from None
    finally:
        service.close()
    if isinstance(answer, MlopsError):
        raise answer


def _refuse(error: MlopsError, data: str) -> InvalidInput:
    """The error of `mlops init`: no project was written yet, so the hint names its flags."""
    column = re.search(r'column "(?P<name>[^"]+)"', error.where or "")
    ways = [_TOO_SMALL if error.code == "too_little_data" else str(error.hint)] if error.hint else []
    ways += [f'leave the column out: --skip "{column["name"]}"'] if column else []
    return InvalidInput(
        f"`mlops run` would refuse the project: {error.what}",
        code=error.code,
        where=error.where or data,
        hint=f"{'; or '.join(ways)}; nothing was written: then `mlops init` again",
    )
