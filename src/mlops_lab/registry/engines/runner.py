"""The engine of a model that only its own library can read: it asks a runner, a process of its own."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.columns import Answers, rows_to_columns, to_columns
from mlops_lab.registry.engines.base import Engine, ModelFile, Output
from mlops_lab.registry.package import Plan
from mlops_lab.registry.runner.process import ANSWER_SECONDS, Runner
from mlops_lab.registry.runner.wire import RunnerSetup
from mlops_lab.registry.trust import Trust

_BATCH_ROWS = 10_000


class RunnerEngine:
    """A model in a runner. Several threads may ask at once: their rows are answered together.

    EnvironmentFault where the process dies, is being started again, or takes too long; no call waits for ever.
    """

    exact = False  # a sum over a row may take another order where there are many rows

    def __init__(self, model: bytes, plan: Plan, *, trust: Trust, answer_seconds: float = ANSWER_SECONDS) -> None:
        if not trust.runner:
            raise InvalidInput(
                f"the project does not allow the runner that serves it ({plan.engine})",
                code="runner_off",
                where="mlops.toml, [model]",
                hint="`[model] runner = true` in the mlops.toml of the project that the package lies in allows it",
            )
        self._inputs, self._texts = list(plan.features["inputs"]), list(plan.texts)
        setup = RunnerSetup(plan.engine, plan.task, model, self._inputs, self._texts, list(trust.types))
        self._runner = Runner(setup, answer_seconds=answer_seconds)
        weakref.finalize(self, self._runner.stop)

    @property
    def process_id(self) -> int:
        """The process id of the runner."""
        return self._runner.process_id

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows of inputs."""
        if not rows:
            return []
        answers: list[Output] = self._runner.ask(rows_to_columns(rows, self._inputs, self._texts), len(rows)).tolist()
        return answers

    def score(self, inputs: pl.DataFrame, *, threads: int = 0) -> Answers:
        """The answers for many rows of inputs, in batches; the runner chooses its threads itself."""
        del threads
        named = inputs.select(self._inputs)
        parts = [
            self._runner.ask(to_columns(part), part.height) for part in named.iter_slices(_BATCH_ROWS) if part.height
        ]
        return np.concatenate(parts) if parts else np.empty(0)


def open_engine(file: ModelFile, plan: Plan, trust: Callable[[], Trust]) -> Engine:
    """The engine of a plan over a model file; InvalidInput where the project does not allow a runner."""
    return RunnerEngine(file.content, plan, trust=trust())
