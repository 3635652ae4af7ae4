"""The search space: `space(trial)` of pipeline.py, or a default one for LightGBM."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mlops_lab.errors import InvalidInput
from mlops_lab.training.fit import make_estimator
from mlops_lab.training.pipeline import Pipeline, run_project_code
from mlops_lab.tuning.lightgbm_space import LightgbmSpace, find_lightgbm

Parameters = dict[str, Any]
_EXAMPLE = 'def space(trial): return {"C": trial.suggest_float("C", 0.001, 1000, log=True)}; def model(C=1.0): ...'


class Space(Protocol):
    """A search space: draws parameters, makes an estimator of them, and writes them as code to paste."""

    @property
    def current(self) -> Parameters:
        """The parameters that the project uses now."""

    def suggest(self, trial: Any) -> Parameters:
        """Parameters drawn by an Optuna trial. InvalidInput where the project's `space` is wrong."""

    def make(self, parameters: Mapping[str, Any]) -> Any:
        """A new estimator with these parameters; without any, one with the current parameters."""

    def write(self, parameters: Mapping[str, Any]) -> str:
        """The lines for pipeline.py that make these the current parameters."""


def find_space(pipeline: Pipeline) -> Space:
    """The project's own space, or the default one of its LightGBM estimator; InvalidInput where it has neither."""
    if pipeline.space is not None:
        return _declare_space(pipeline, pipeline.space)
    estimator = make_estimator(pipeline)
    if not hasattr(estimator, "get_params"):
        raise _no_space(f"model() returns {estimator}, which is not trained here")
    if (match := find_lightgbm(estimator)) is not None:
        prefix, names = match
        return LightgbmSpace(pipeline, prefix, names)
    raise _no_space(f"there is no search space for {type(estimator).__name__}")


@dataclass(frozen=True)
class DeclaredSpace:
    """The space of a project whose `space` returns arguments for `model`."""

    pipeline: Pipeline
    draw: Callable[[Any], Any]
    signature: inspect.Signature

    @property
    def current(self) -> Parameters:
        """The defaults of `model`."""
        parameters = self.signature.parameters.items()
        return {name: parameter.default for name, parameter in parameters if parameter.default is not parameter.empty}

    def suggest(self, trial: Any) -> Parameters:
        """The result of `space(trial)`."""
        drawn = run_project_code(self.pipeline, lambda: self.draw(trial))
        if not isinstance(drawn, dict) or not drawn:
            raise _bad_space(f"returns {'nothing' if drawn in (None, {}) else f'a {type(drawn).__name__}'}", _EXAMPLE)
        for name, value in drawn.items():
            if not _is_plain(value):
                hint = "return numbers, text and booleans, and make objects from them in model()"
                raise _bad_space(f'"{name}" is a {type(value).__name__}', hint)
        try:
            self.signature.bind(**drawn)
        except TypeError:
            known = list(self.signature.parameters)
            unknown = next((str(name) for name in drawn if name not in known), str(next(iter(drawn))))
            near = difflib.get_close_matches(unknown, known, 1)
            guess = f'did you mean "{near[0]}"? ' if near else ""
            hint = f"{guess}model() takes {', '.join(known) or 'none'}; write def model({unknown}=...)"
            raise _bad_space(f'"{unknown}" is not a parameter of model()', hint) from None
        return drawn

    def make(self, parameters: Mapping[str, Any]) -> Any:
        """The result of `model` with these arguments."""
        return make_estimator(self.pipeline, parameters)

    def write(self, parameters: Mapping[str, Any]) -> str:
        """`def model(...)` with these parameters as its defaults."""
        named = [
            parameter.replace(
                default=parameters.get(name, parameter.default),
                annotation=parameter.annotation
                if parameter.annotation is parameter.empty
                else _AnnotationText(parameter.annotation),
            )
            for name, parameter in self.signature.parameters.items()
            if parameter.kind is not parameter.VAR_KEYWORD
        ]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
            for name, value in parameters.items()
            if name not in self.signature.parameters
        ]
        return f"def model{inspect.Signature([*named, *more])}:"


class _AnnotationText:
    """An annotation that is printed as it stands in the file."""

    def __init__(self, annotation: Any) -> None:
        self._text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)

    def __repr__(self) -> str:
        return self._text.removeprefix("typing.")


def _declare_space(pipeline: Pipeline, draw: Callable[[Any], Any]) -> DeclaredSpace:
    signature = inspect.signature(pipeline.model)
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    for name, parameter in signature.parameters.items():
        if parameter.default is parameter.empty and parameter.kind not in kinds:
            raise InvalidInput(
                f'"{name}" has no default',
                code="bad_pipeline",
                where="pipeline.py, model()",
                hint=f"give it one: model() is what `mlops run` trains, such as def model({name}=0.1)",
            )
    return DeclaredSpace(pipeline, draw, signature)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)


def _bad_space(what: str, hint: str) -> InvalidInput:
    return InvalidInput(what, code="bad_space", where="pipeline.py, space()", hint=hint)


def _no_space(what: str) -> InvalidInput:
    return InvalidInput(what, code="no_space", where="pipeline.py", hint=f"define one, such as {_EXAMPLE}")
