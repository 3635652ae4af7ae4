"""What tuning may try: `space(trial)` of pipeline.py, or, for LightGBM, a space that fits most tables."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mlops_lab.errors import InvalidInput
from mlops_lab.training.fit import ask, make_estimator
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.tuning.lightgbm_space import LightgbmSpace, find_lightgbm

Parameters = dict[str, Any]
_EXAMPLE = 'def space(trial): return {"C": trial.suggest_float("C", 0.001, 1000, log=True)}; def model(C=1.0): ...'


class Space(Protocol):
    """Parameters to try: drawn, made an estimator of, and written down to be pasted."""

    @property
    def present(self) -> Parameters:
        """The parameters as they are now."""

    def suggest(self, trial: Any) -> Parameters:
        """What an Optuna trial draws. InvalidInput where the project's `space` is wrong."""

    def make(self, parameters: Mapping[str, Any]) -> Any:
        """A fresh estimator; without any parameters the present one."""

    def write(self, parameters: Mapping[str, Any]) -> str:
        """The lines of pipeline.py that make these parameters the present ones."""


def find_space(pipeline: Pipeline) -> Space:
    """The project's own space, or that of the LightGBM estimator it uses; InvalidInput where there is neither."""
    if pipeline.space is not None:
        return _declared(pipeline, pipeline.space)
    estimator = make_estimator(pipeline)
    if not hasattr(estimator, "get_params"):
        raise _no_space(f"model() returns {estimator}, which learns nothing here")
    if (found := find_lightgbm(estimator)) is not None:
        return LightgbmSpace(pipeline, *found)
    raise _no_space(f"nothing says what to try for {type(estimator).__name__}")


@dataclass(frozen=True)
class DeclaredSpace:
    """What `space` returns is handed to `model`."""

    pipeline: Pipeline
    draw: Callable[[Any], Any]
    signature: inspect.Signature

    @property
    def present(self) -> Parameters:
        """The defaults of `model`."""
        return {name: one.default for name, one in self.signature.parameters.items() if one.default is not one.empty}

    def suggest(self, trial: Any) -> Parameters:
        """What `space` returns for the trial."""
        drawn = ask(self.pipeline, lambda: self.draw(trial))
        if not isinstance(drawn, dict) or not drawn:
            raise _bad_space(f"returns {'nothing' if drawn in (None, {}) else f'a {type(drawn).__name__}'}", _EXAMPLE)
        for name, value in drawn.items():
            if not _is_plain(value):
                hint = "return numbers, text and booleans, and make objects of them in model()"
                raise _bad_space(f'"{name}" is a {type(value).__name__}', hint)
        try:
            self.signature.bind(**drawn)
        except TypeError:
            known = list(self.signature.parameters)
            unknown = next((str(name) for name in drawn if name not in known), str(next(iter(drawn))))
            near = difflib.get_close_matches(unknown, known, 1)
            guess = f'did you mean "{near[0]}"? ' if near else ""
            hint = f"{guess}model() takes {', '.join(known) or 'none'}; write def model({unknown}=...)"
            raise _bad_space(f'"{unknown}" is no parameter of model()', hint) from None
        return drawn

    def make(self, parameters: Mapping[str, Any]) -> Any:
        """What `model` returns for them."""
        return make_estimator(self.pipeline, parameters)

    def write(self, parameters: Mapping[str, Any]) -> str:
        """`def model(...)` with them as its defaults."""
        named = [
            one.replace(
                default=parameters.get(name, one.default),
                annotation=one.annotation if one.annotation is one.empty else _Text(one.annotation),
            )
            for name, one in self.signature.parameters.items()
            if one.kind is not one.VAR_KEYWORD
        ]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
            for name, value in parameters.items()
            if name not in self.signature.parameters
        ]
        return f"def model{inspect.Signature([*named, *more])}:"


class _Text:
    """An annotation as it stands in the file."""

    def __init__(self, annotation: Any) -> None:
        self._text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)

    def __repr__(self) -> str:
        return self._text.removeprefix("typing.")


def _declared(pipeline: Pipeline, draw: Callable[[Any], Any]) -> DeclaredSpace:
    signature = inspect.signature(pipeline.model)
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    for name, one in signature.parameters.items():
        if one.default is one.empty and one.kind not in kinds:
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
    return InvalidInput(what, code="no_space", where="pipeline.py", hint=f"say it, such as {_EXAMPLE}")
