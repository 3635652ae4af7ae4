"""How a runner reads a model file: one reader for each engine that needs a runner. None of them executes code.

Each library is imported by its reader only: a runner needs one of them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from mlops_lab.registry.runner.wire import RunnerSetup

MAX_UNPACKED_BYTES, MAX_RATIO = 64 << 20, 20
"""A skops file may unpack to so many bytes, or to so many times its own size."""


def read_estimator(setup: RunnerSetup) -> Any:
    """The estimator; whatever its library raises where the file is damaged or holds types that are not trusted."""
    return READERS[setup.engine](setup)


def _read_xgboost(setup: RunnerSetup) -> Any:
    from xgboost import XGBClassifier, XGBRegressor

    estimator = XGBRegressor() if setup.task == "regression" else XGBClassifier()
    estimator.load_model(bytearray(setup.model))
    return estimator


def _read_skops(setup: RunnerSetup) -> Any:
    import skops.io

    with zipfile.ZipFile(io.BytesIO(setup.model)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max(MAX_UNPACKED_BYTES, MAX_RATIO * len(setup.model)):
        raise ValueError(f"the skops file would unpack to {unpacked:,} bytes")
    return skops.io.loads(setup.model, trusted=setup.trusted)


READERS: Mapping[str, Callable[[RunnerSetup], Any]] = {"xgboost": _read_xgboost, "skops": _read_skops}
"""By the name of the engine."""
