"""A predictor: one version, loaded from its package and ready to answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.contracts.fields import parse_fields, polars_schema
from mlops_lab.features.definition import Features, View
from mlops_lab.registry.engines.base import Output
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import load_plan
from mlops_lab.tasks.base import Task, to_series
from mlops_lab.tasks.make import make_task


class Predictor:
    """One version of the model, loaded from its package."""

    def __init__(self, package: Path, *, version: int, fingerprint: str | None = None) -> None:
        self.version = version
        self.package = package
        self.plan = load_plan(package, fingerprint=fingerprint)
        self.features = Features.from_dict(self.plan.features)
        self.request_schema = polars_schema(parse_fields(self.plan.request, where="source.request"))
        tables = {
            name: polars_schema(parse_fields(fields, where=f"tables.{name}"))
            for name, fields in self.plan.tables.items()
        }
        self.view_schema = self.features.view_schema(tables)
        self.engine = open_engine(package, self.plan)
        self._arrangement = OutputMapping(self.plan)
        self._is_arranged = self.engine.exact and not self.plan.classes  # one number, computed as the model does

    @property
    def task(self) -> Task:
        """What it predicts."""
        return make_task(self.plan.task, classes=tuple(self.plan.classes), scale=self.plan.scale)

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows of inputs."""
        outputs = self.engine.score_rows(rows)
        if self._is_arranged and not (outputs and isinstance(outputs[0], list)):
            return outputs
        return list(map(self._arrangement.of_row, outputs))

    def score(self, inputs: pl.DataFrame) -> pl.Series:
        """The answers for many rows of inputs; equal to `score_rows`, with an exact engine bit by bit."""
        if inputs.is_empty():
            return pl.Series("output", [], dtype=self.task.output_dtype)
        return to_series(self._arrangement.of_rows(self.engine.score(inputs)))


def views_of(predictors: Sequence[Predictor]) -> dict[str, View]:
    """All views that these versions need, by the version of the view."""
    return {view.version: view for predictor in predictors for view in predictor.features.views}
