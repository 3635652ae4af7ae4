"""From a notebook to pipeline.py: the cells' own statements, run again and compared before they count."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_lab.errors import Conflict, InvalidInput, MlopsError
from mlops_lab.features.definition import Features
from mlops_lab.notebook.cells import cut_out
from mlops_lab.project import PIPELINE_NAME, Project
from mlops_lab.training.fit import parameters_of
from mlops_lab.training.pipeline import load_pipeline

BY_HAND = (
    f"put `features` and `model` into one cell that begins with %%writefile {PIPELINE_NAME}, and run train(project)"
)


@dataclass(frozen=True)
class Session:
    """What a notebook has run, in order, and the names it has now."""

    cells: Sequence[str]
    names: Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """The version of the features, and the parameters of the model as text, that cells or a file make."""

    features: str
    model: Mapping[str, str]


def save_pipeline(
    project: Project, session: Session, *, model: Any, features: Features | None, trained: Made, replace: bool
) -> Path:
    """Write what was `trained` as the project's pipeline.py; the path.

    `model` and `features` are those that came from the session; None stands for that of the present file. Conflict
    where the file says otherwise and may not be replaced; InvalidInput, and nothing is changed, where the statements
    found do not make the same again.
    """
    path = project.pipeline_path
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    source = write_source(session, before or "", model=model, features=features)
    if before not in {None, source} and not replace:
        raise Conflict(
            "is there already, and says something else",
            code="pipeline_exists",
            where=str(path),
            hint="save(replace=True) replaces it",
        )
    path.write_text(source, encoding="utf-8")
    try:
        saved = load_pipeline(project)
        _compare(describe(saved.features, saved.model()), trained)
    except Exception as error:  # of the person's own code, which runs here for the first time
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")
        reason = str(error) if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}"
        raise InvalidInput(
            f"the statements of the notebook do not make it again: {reason}",
            code="not_saved",
            where=PIPELINE_NAME,
            hint=BY_HAND,
        ) from error
    return path


def write_source(session: Session, file: str, *, model: Any, features: Features | None) -> str:
    """The text of pipeline.py: the statements of the session (and, for what it does not give, of the file before) that
    make the model and the features, under the names that the file must give them."""
    names, endings = [], []
    if features is None:
        names.append("features")
    else:
        names.append(_name_of(features, session, "features"))
        endings += [] if names[-1] == "features" else [f"features = {names[-1]}"]
    if model is None:
        names.append("model")
    else:
        names.append(_name_of(model, session, "model"))
        if is_estimator(model):  # a estimator: a fresh copy at every training
            endings.append(f"def model():\n    from sklearn.base import clone\n\n    return clone({names[-1]})")
        elif names[-1] != "model":
            endings.append(f"model = {names[-1]}")
    cells = session.cells if model is not None and features is not None else [file, *session.cells]
    return "\n\n\n".join([f'"""Written from a notebook."""\n\n{cut_out(cells, names).rstrip()}', *endings]) + "\n"


def read_session() -> Session:
    """What IPython has run until now; InvalidInput where there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        raise InvalidInput(
            "there is no notebook whose cells could be saved",
            code="no_notebook",
            hint=f"write `features` and `model` into {PIPELINE_NAME}",
        )
    return Session(list(shell.history_manager.input_hist_parsed), shell.user_ns)


def is_estimator(model: Any) -> bool:
    """Whether it is one itself, not a function or a class that makes one."""
    return hasattr(model, "fit") and not isinstance(model, type)


def _name_of(value: Any, session: Session, usual: str) -> str:
    """The name that the notebook gives to the value."""
    names = [name for name, held in session.names.items() if held is value and not name.startswith("_")]
    if not names:
        raise InvalidInput(
            f"the notebook has no name for the {usual} of this result any more",
            code="not_saved",
            where=usual,
            hint=f"give it a name in a cell, such as {usual}, and train again",
        )
    return usual if usual in names else names[0]


def describe(features: Features, model: Any) -> Made:
    """What tells features and model from others; a fitted model is described as it was before."""
    if not hasattr(model, "get_params"):
        return Made(features.version, {"file": str(Path(model))})
    told = parameters_of(model).items()
    return Made(features.version, {name: repr(value) for name, value in told if not name.endswith("flatten_transform")})


def _compare(saved: Made, trained: Made) -> None:
    if saved.features != trained.features:
        raise InvalidInput("the features are others", code="not_saved")
    names = sorted(saved.model.keys() | trained.model.keys())
    if other := [name for name in names if saved.model.get(name) != trained.model.get(name)]:
        raise InvalidInput(f"the model has other parameters ({', '.join(other)})", code="not_saved")
