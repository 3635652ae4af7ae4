"""Which engines can serve a trained model, the fastest first, and how the file that each of them reads is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.extras import needs_extra
from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.registry.engines.forest import CompiledForest
from mlops_lab.registry.trust import Trust
from mlops_lab.training.convert import lightgbm_to_onnx, to_onnx
from mlops_lab.training.libraries import is_lightgbm, is_xgboost
from mlops_lab.training.skops_file import with_fixed_names


@dataclass(frozen=True)
class TrainedModel:
    """What a model file is written from: an estimator, or the path of an exported file; and its training inputs.

    `categories` are the codes of its text inputs (LightGBM only); `trust` is what the project allows.
    """

    estimator: Any
    inputs: pl.DataFrame
    categories: Mapping[str, Sequence[str]] = field(default_factory=dict)
    trust: Trust = field(default_factory=Trust)

    @cached_property
    def lightgbm_text(self) -> str:
        """The model as LightGBM writes it."""
        return str(self.estimator.booster_.model_to_string())


class EngineOption(NamedTuple):
    """An engine for some trained models: which ones, and what writes its file.

    `write` raises InvalidInput, with the reason and a hint, where a model cannot be written for this engine.
    """

    engine: str
    is_for: Callable[[TrainedModel], bool]
    write: Callable[[TrainedModel], bytes]


def find_engine_options(model: TrainedModel) -> list[EngineOption]:
    """The engines that may be able to serve a model, in the order of `ENGINE_OPTIONS`."""
    return [
        option
        for option in ENGINE_OPTIONS
        if option.is_for(model) and (model.trust.runner or not ENGINES[option.engine].needs_runner)
    ]


def _is_lightgbm(model: TrainedModel) -> bool:
    return is_lightgbm(model.estimator)


def _is_other_estimator(model: TrainedModel) -> bool:
    return not isinstance(model.estimator, Path) and not is_lightgbm(model.estimator)


def _is_xgboost(model: TrainedModel) -> bool:
    return is_xgboost(model.estimator)


def _write_forest(model: TrainedModel) -> bytes:
    """LightGBM's text; InvalidInput where it cannot be compiled to tables, or forest.c was not compiled here."""
    CompiledForest(model.lightgbm_text)
    return model.lightgbm_text.encode()


def _write_lightgbm(model: TrainedModel) -> bytes:
    return model.lightgbm_text.encode()


def _write_onnx(model: TrainedModel) -> bytes:
    """The exported file itself, or the graph that an estimator converts to."""
    if isinstance(model.estimator, Path):
        return model.estimator.read_bytes()
    if is_lightgbm(model.estimator):
        return lightgbm_to_onnx(model.estimator, model.inputs, model.categories)
    return to_onnx(model.estimator, model.inputs)


def _write_xgboost(model: TrainedModel) -> bytes:
    return bytes(model.estimator.get_booster().save_raw("json"))


def _write_skops(model: TrainedModel) -> bytes:
    """The estimator as a skops file; InvalidInput names the types in it that the project does not trust."""
    with needs_extra("runner", "a model that is served from its own format", where="mlops.toml, [model] runner"):
        import skops.io  # brings scikit-learn

    try:
        content = with_fixed_names(skops.io.dumps(model.estimator))
        untrusted = [name for name in skops.io.get_untrusted_types(data=content) if name not in model.trust.types]
    except Exception as error:  # of whatever the estimator holds
        raise InvalidInput(
            f"{type(model.estimator).__name__} cannot be written by skops: {error}",
            code="not_convertible",
            where="pipeline.py, model()",
            hint="compose it of scikit-learn's own parts",
        ) from error
    if untrusted:
        raise InvalidInput(
            f"it holds types that this project does not trust: {', '.join(untrusted)}",
            code="untrusted_types",
            where="mlops.toml, [model]",
            hint=f"where you know them all: [model] trusted_types = {_as_toml([*model.trust.types, *untrusted])}",
        )
    return content


def _as_toml(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


ENGINE_OPTIONS: tuple[EngineOption, ...] = (
    EngineOption("forest", _is_lightgbm, _write_forest),
    EngineOption("lightgbm", _is_lightgbm, _write_lightgbm),
    EngineOption("onnx", lambda _: True, _write_onnx),
    EngineOption("xgboost", _is_xgboost, _write_xgboost),
    EngineOption("skops", _is_other_estimator, _write_skops),
)
"""The fastest first: compiled trees, LightGBM's own library, ONNX Runtime, a process that runs Python.

The first that agrees with the trained model serves it; those after it are tried only where `[model] try_all` is set.
"""
