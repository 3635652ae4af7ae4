"""Which engines may serve a fitted model, the fastest first, and how the file is written that each of them reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.engines.forest import BitForest
from mlops_lab.registry.trust import Trust
from mlops_lab.training.convert import lightgbm_to_onnx, to_onnx


class EngineOption(NamedTuple):
    """An engine, and what writes its file: InvalidInput where it cannot be had."""

    engine: str
    write: Callable[[], bytes]


def find_engine_options(
    estimator: Any, inputs: pl.DataFrame, *, categories: Mapping[str, Sequence[str]], trust: Trust
) -> list[EngineOption]:
    """The engines for an estimator (or the path of a file) that learned from these inputs.

    The order is that of speed, which is known by far: a forest of bits, LightGBM's own library, ONNX Runtime, a process
    that runs Python. Those after one that agrees are not asked, unless all shall be tried.
    """
    if isinstance(estimator, Path):
        return [EngineOption("onnx", estimator.read_bytes)]
    if is_lightgbm(estimator):
        text = cache(lambda: str(estimator.booster_.model_to_string()))
        return [
            EngineOption("forest", lambda: to_forest(text())),
            EngineOption("lightgbm", lambda: text().encode()),
            EngineOption("onnx", lambda: lightgbm_to_onnx(estimator, inputs, categories)),
        ]
    found = [EngineOption("onnx", lambda: to_onnx(estimator, inputs))]
    if trust.runner and is_xgboost(estimator):
        found.append(EngineOption("xgboost", lambda: bytes(estimator.get_booster().save_raw("json"))))
    if trust.runner:
        found.append(EngineOption("skops", lambda: to_skops(estimator, trust)))
    return found


def is_lightgbm(estimator: Any) -> bool:
    """Whether it is one of LightGBM's own."""
    return hasattr(type(estimator), "booster_")


def to_forest(text: str) -> bytes:
    """LightGBM's text; InvalidInput where it becomes no forest of bits, or where there is nothing to ask one with."""
    BitForest(text)
    return text.encode()


def is_xgboost(estimator: Any) -> bool:
    """Whether it is one of XGBoost's own."""
    return hasattr(type(estimator), "get_booster")


def to_skops(estimator: Any, trust: Trust) -> bytes:
    """The estimator as a skops file; InvalidInput where it holds types that the project does not trust, names them."""
    import skops.io

    try:
        content = bytes(skops.io.dumps(estimator))
        strange = [name for name in skops.io.get_untrusted_types(data=content) if name not in trust.types]
    except Exception as error:  # of whatever the estimator holds
        raise InvalidInput(
            f"{type(estimator).__name__} cannot be written by skops: {error}",
            code="not_convertible",
            where="pipeline.py, model()",
            hint="compose it of scikit-learn's own parts",
        ) from error
    if strange:
        raise InvalidInput(
            f"it holds types that this project does not trust: {', '.join(strange)}",
            code="untrusted_types",
            where="mlops.toml, [model]",
            hint=f"where you know them all: [model] trusted_types = {_as_toml([*trust.types, *strange])}",
        )
    return content


def _as_toml(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
