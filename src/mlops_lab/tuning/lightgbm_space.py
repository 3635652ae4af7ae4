"""A space that fits most tables: the parameters of LightGBM that matter most."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops_lab.training.engine_options import is_lightgbm
from mlops_lab.training.fit import make_estimator
from mlops_lab.training.pipeline import Pipeline

RANGES: dict[str, tuple[float, float]] = {
    "n_estimators": (50, 400),
    "learning_rate": (0.02, 0.3),
    "num_leaves": (7, 127),
    "min_child_samples": (5, 200),
    "colsample_bytree": (0.4, 1.0),
    "reg_lambda": (0.001, 30.0),
}
"""From and to; drawn evenly on a logarithmic scale, but for the share of columns."""
_OTHER_NAMES = {
    "n_estimators": ("num_iterations", "num_iteration", "num_boost_round", "num_trees", "num_rounds", "max_iter"),
    "learning_rate": ("shrinkage_rate", "eta"),
    "num_leaves": ("num_leaf", "max_leaves", "max_leaf_nodes"),
    "min_child_samples": ("min_data_in_leaf", "min_data", "min_samples_leaf"),
    "colsample_bytree": ("feature_fraction", "sub_feature"),
    "reg_lambda": ("lambda_l2", "l2_regularization"),
}


def find_lightgbm(estimator: Any) -> tuple[str, tuple[str, ...]] | None:
    """Where LightGBM is in an estimator: what its parameters begin with, and those that may be tuned.

    Not those that the project sets by another of LightGBM's names for them, which would win.
    """
    parts = [("", estimator), *((f"{name}__", value) for name, value in estimator.get_params().items())]
    for prefix, found in parts:
        if is_lightgbm(found):
            taken = found.get_params()
            return prefix, tuple(name for name in RANGES if not any(other in taken for other in _OTHER_NAMES[name]))
    return None


@dataclass(frozen=True)
class LightgbmSpace:
    """`prefix` leads to LightGBM where it is a part of the estimator, and `names` are its parameters to try."""

    pipeline: Pipeline
    prefix: str
    names: tuple[str, ...]

    @property
    def present(self) -> dict[str, Any]:
        """As the estimator has them."""
        found = make_estimator(self.pipeline).get_params()
        return {self.prefix + name: found[self.prefix + name] for name in self.names}

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Three digits of each: more say nothing."""
        return {self.prefix + name: _draw(trial, name) for name in self.names}

    def make(self, parameters: Mapping[str, Any]) -> Any:
        """The estimator of `model()`, with them set."""
        return make_estimator(self.pipeline).set_params(**parameters)

    def write(self, parameters: Mapping[str, Any]) -> str:
        """The call that makes the estimator; where it is a part of another, what sets them."""
        if self.prefix:
            return _call("estimator.set_params", parameters)
        estimator = make_estimator(self.pipeline)
        plain = type(estimator)().get_params()
        changed = {name: value for name, value in estimator.get_params().items() if plain.get(name, plain) != value}
        return _call(type(estimator).__name__, changed | dict(parameters))


def _draw(trial: Any, name: str) -> float:
    low, high = RANGES[name]
    if isinstance(low, int):
        return int(trial.suggest_int(name, low, int(high), log=True))
    return float(f"{trial.suggest_float(name, low, high, log=name != 'colsample_bytree'):.3g}")


def _call(function: str, parameters: Mapping[str, Any]) -> str:
    """A line of pipeline.py that returns a call, as long as need be."""
    given = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    inside = textwrap.fill(given, 110, initial_indent=" " * 8, subsequent_indent=" " * 8, break_long_words=False)
    return f"    return {function}(\n{inside},\n    )"
