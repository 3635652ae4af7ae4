"""A search space for most tables: the parameters of LightGBM that matter most."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops_lab.training.fit import make_estimator
from mlops_lab.training.libraries import is_lightgbm
from mlops_lab.training.pipeline import Pipeline

RANGES: dict[str, tuple[float, float]] = {
    "n_estimators": (50, 400),
    "learning_rate": (0.02, 0.3),
    "num_leaves": (7, 127),
    "min_child_samples": (5, 200),
    "colsample_bytree": (0.4, 1.0),
    "reg_lambda": (0.001, 30.0),
}
"""The lowest and the highest value; drawn on a logarithmic scale, except for the share of columns."""
SWITCHES = ("extra_trees",)
"""Parameters that are on or off; `mlops init` may have written either."""
_OTHER_NAMES = {
    "n_estimators": ("num_iterations", "num_iteration", "num_boost_round", "num_trees", "num_rounds", "max_iter"),
    "learning_rate": ("shrinkage_rate", "eta"),
    "num_leaves": ("num_leaf", "max_leaves", "max_leaf_nodes"),
    "min_child_samples": ("min_data_in_leaf", "min_data", "min_samples_leaf"),
    "colsample_bytree": ("feature_fraction", "sub_feature"),
    "reg_lambda": ("lambda_l2", "l2_regularization"),
    "extra_trees": ("extra_tree",),
}


def find_lightgbm(estimator: Any) -> tuple[str, tuple[str, ...]] | None:
    """The LightGBM estimator in an estimator: the prefix of its parameters, and the names of those that can be tuned.

    A parameter that the project sets by another of LightGBM's names for it is left out: the other name would win.
    """
    parts = [("", estimator), *((f"{name}__", value) for name, value in estimator.get_params().items())]
    for prefix, part in parts:
        if is_lightgbm(part):
            given = part.get_params()
            names = (*RANGES, *SWITCHES)
            return prefix, tuple(name for name in names if not any(other in given for other in _OTHER_NAMES[name]))
    return None


@dataclass(frozen=True)
class LightgbmSpace:
    """The space of an estimator that is or contains LightGBM's: see `find_lightgbm` for `prefix` and `names`."""

    pipeline: Pipeline
    prefix: str
    names: tuple[str, ...]

    @property
    def current(self) -> dict[str, Any]:
        """The values in the estimator of `model()`."""
        values = make_estimator(self.pipeline).get_params()
        return {self.prefix + name: values.get(self.prefix + name, False) for name in self.names}

    def suggest(self, trial: Any) -> dict[str, Any]:
        """A value for each parameter, to three digits: more would not matter."""
        return {self.prefix + name: _draw(trial, name) for name in self.names}

    def make(self, parameters: Mapping[str, Any]) -> Any:
        """The estimator of `model()` with these parameters."""
        return make_estimator(self.pipeline).set_params(**parameters)

    def write(self, parameters: Mapping[str, Any]) -> str:
        """The call that makes the estimator; where LightGBM is only a part of it, the call that sets its parameters."""
        if self.prefix:
            return _call("estimator.set_params", parameters)
        estimator = make_estimator(self.pipeline)
        plain = type(estimator)().get_params()
        changed = {name: value for name, value in estimator.get_params().items() if plain.get(name, plain) != value}
        return _call(type(estimator).__name__, changed | dict(parameters))


def _draw(trial: Any, name: str) -> float | bool:
    if name in SWITCHES:
        return bool(trial.suggest_categorical(name, [False, True]))
    low, high = RANGES[name]
    if isinstance(low, int):
        return int(trial.suggest_int(name, low, int(high), log=True))
    return float(f"{trial.suggest_float(name, low, high, log=name != 'colsample_bytree'):.3g}")


def _call(function: str, parameters: Mapping[str, Any]) -> str:
    """A return statement for pipeline.py, wrapped to its line length."""
    given = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    inside = textwrap.fill(given, 110, initial_indent=" " * 8, subsequent_indent=" " * 8, break_long_words=False)
    return f"    return {function}(\n{inside},\n    )"
