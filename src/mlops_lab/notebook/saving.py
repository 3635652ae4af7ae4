"""From a notebook to pipeline.py: the statements of the cells, run again and compared before they are kept."""

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
    """The cells that a notebook has run, in order, and its variables now."""

    cells: Sequence[str]
    names: Mapping[str, Any]


@dataclass(frozen=True)
class PipelineDescription:
    """What identifies features and model: the version of the features, and the model's parameters as text."""

    features: str
    model: Mapping[str, str]


def save_pipeline(
    project: Project,
    session: Session,
    *,
    model: Any,
    features: Features | None,
    trained: PipelineDescription,
    replace: bool,
) -> Path:
    """Write the statements that make what was `trained` into the project's pipeline.py; the path.

    `model` and `features` are those that came from the session, None where those of the present file were taken.
    Conflict where the file has other content and may not be replaced; InvalidInput, and the file stays unchanged,
    where the statements do not make the same features and model again.
    """
    path = project.pipeline_path
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    source = write_source(session, before or "", model=model, features=features)
    if before not in {None, source} and not replace:
        raise Conflict(
            "exists already, with other content",
            code="pipeline_exists",
            where=str(path),
            hint="save(replace=True) replaces it",
        )
    path.write_text(source, encoding="utf-8")
    try:
        saved = load_pipeline(project)
        _compare(describe_pipeline(saved.features, saved.model()), trained)
    except Exception as error:  # raised by the user's own code, which runs here for the first time as a file
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")
        reason = str(error) if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}"
        raise InvalidInput(
            f"the statements of the notebook do not make the same again: {reason}",
            code="not_saved",
            where=PIPELINE_NAME,
            hint=BY_HAND,
        ) from error
    return path


def write_source(session: Session, file: str, *, model: Any, features: Features | None) -> str:
    """The text of pipeline.py: the statements that make the model and the features, named as the file must name them.

    They come from the session and, for what it does not give, from the present text of the file.
    """
    names, endings = [], []
    if features is None:
        names.append("features")
    else:
        names.append(_find_name(features, session, "features"))
        endings += [] if names[-1] == "features" else [f"features = {names[-1]}"]
    if model is None:
        names.append("model")
    else:
        names.append(_find_name(model, session, "model"))
        if is_estimator(model):  # every training needs a fresh copy
            endings.append(f"def model():\n    from sklearn.base import clone\n\n    return clone({names[-1]})")
        elif names[-1] != "model":
            endings.append(f"model = {names[-1]}")
    cells = session.cells if model is not None and features is not None else [file, *session.cells]
    return "\n\n\n".join([f'"""Written from a notebook."""\n\n{cut_out(cells, names).rstrip()}', *endings]) + "\n"


def read_session() -> Session:
    """What IPython has run until now; InvalidInput outside a notebook."""
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
    """Whether the model is an estimator itself, not a function or a class that makes one."""
    return hasattr(model, "fit") and not isinstance(model, type)


def _find_name(value: Any, session: Session, default: str) -> str:
    """The variable of the notebook that holds the value; `default` where it is one of several."""
    names = [name for name, other in session.names.items() if other is value and not name.startswith("_")]
    if not names:
        raise InvalidInput(
            f"the notebook no longer has a variable for the {default} of this result",
            code="not_saved",
            where=default,
            hint=f"assign it to a variable in a cell, such as {default}, and train again",
        )
    return default if default in names else names[0]


def describe_pipeline(features: Features, model: Any) -> PipelineDescription:
    """The description of features and model; it is the same before and after the model is fitted."""
    if not hasattr(model, "get_params"):
        return PipelineDescription(features.version, {"file": str(Path(model))})
    parameters = {
        name: repr(value) for name, value in parameters_of(model).items() if not name.endswith("flatten_transform")
    }
    return PipelineDescription(features.version, parameters)


def _compare(saved: PipelineDescription, trained: PipelineDescription) -> None:
    if saved.features != trained.features:
        raise InvalidInput("the features are different", code="not_saved")
    names = sorted(saved.model.keys() | trained.model.keys())
    if differing := [name for name in names if saved.model.get(name) != trained.model.get(name)]:
        raise InvalidInput(f"the model has other parameters ({', '.join(differing)})", code="not_saved")
