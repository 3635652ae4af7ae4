"""An engine: what answers rows of model inputs, out of a file that cannot execute code."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.registry.package import RUNNER_ENGINES, TREE_ENGINES, Plan, model_file

if TYPE_CHECKING:
    from mlops_lab.registry.trust import Trust

_log = logging.getLogger(__name__)
Output = float | list[float]
"""A probability, the probabilities of all classes, or a number."""


class Engine(Protocol):
    """Answers rows of inputs, in the order of `plan.features["inputs"]`, one by one or many at once."""

    exact: bool
    """Whether one by one and many at once give the same to the last bit."""

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows."""

    def score(self, inputs: pl.DataFrame, *, threads: int = 0) -> npt.NDArray[np.float64]:
        """The answers for many rows, of shape (rows,) or (rows, outputs); on at most so many threads (0: all cores)."""


def count_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_engine(package: Path, plan: Plan, *, trust: Trust | None = None) -> Engine:
    """The engine of a package that has been checked. `trust` is what its project allows a runner; where it is not
    given, the project is the one in whose `.mlops` the package lies."""
    path, inputs = package / model_file(plan.engine), plan.features["inputs"]
    if plan.engine in TREE_ENGINES:
        return _open_trees(path, plan)
    if plan.engine in RUNNER_ENGINES:
        from mlops_lab.registry.runner_engine import RunnerEngine
        from mlops_lab.registry.trust import trust_of

        return RunnerEngine(path.read_bytes(), plan, trust=trust_of(package) if trust is None else trust)
    from mlops_lab.registry.onnx import OnnxEngine  # 0.1 s and 40 MB that only its users should pay

    return OnnxEngine(path, inputs)


def _open_trees(path: Path, plan: Plan) -> Engine:
    inputs = plan.features["inputs"]
    if plan.engine == "forest":
        from mlops_lab.registry.forest import ForestEngine, has_kernel

        if has_kernel():
            return ForestEngine(path, inputs, plan.categories)
        _log.warning("forest.c was not compiled here: LightGBM's library gives the same answers, some ten times slower")
    from mlops_lab.registry.lightgbm import LightgbmEngine

    return LightgbmEngine(path, inputs, plan.categories)


class Knows(Protocol):
    """What must be known of a model to say what its answers mean: see `Plan`."""

    @property
    def task(self) -> str:
        """What it predicts."""

    @property
    def classes(self) -> Sequence[str]:
        """All classes of a multiclass task."""

    @property
    def outputs(self) -> Sequence[int]:
        """The place among them of each class that it knows."""


class Arrangement:
    """From what an engine answers to what is answered: every class in its place, those never learned with 0; and no
    probability beyond 0 or 1, where float32 was summed up to a hair more."""

    def __init__(self, plan: Knows) -> None:
        self._sure = plan.task != "regression"
        self._places = list(plan.outputs)
        self._classes = len(plan.classes)

    def of_row(self, output: Output) -> Output:
        """One answer."""
        if not self._classes:  # of no and yes, yes
            number = output[1] if isinstance(output, list) else output
            return min(max(number, 0.0), 1.0) if self._sure else number
        known = output if isinstance(output, list) else [1.0 - output, output]
        answer = [0.0] * self._classes
        for place, probability in zip(self._places, known, strict=True):
            answer[place] = min(max(probability, 0.0), 1.0)
        return answer

    def of_rows(self, outputs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Many answers, of shape (rows,) or (rows, outputs)."""
        if not self._classes:
            numbers = outputs[:, 1] if outputs.ndim == 2 else outputs
            return np.clip(numbers, 0.0, 1.0) if self._sure else numbers
        known = outputs if outputs.ndim == 2 else np.column_stack([1.0 - outputs, outputs])
        answers = np.zeros((len(known), self._classes))
        answers[:, self._places] = np.clip(known, 0.0, 1.0)
        return answers
