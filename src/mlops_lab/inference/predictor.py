"""A predictor: one version of the model, loaded from its package and ready to score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.contracts.fields import parse_fields, polars_schema
from mlops_lab.features.definition import Features
from mlops_lab.features.view import View
from mlops_lab.registry.engines.base import Output
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.known_texts import read_known_texts
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import open_package
from mlops_lab.tasks.base import Task, to_series
from mlops_lab.tasks.make import make_task


class Predictor:
    """One version of the model, loaded from its package, for the project with the state folder `home` (None: the one in
    which the package lies)."""

    def __init__(
        self, package: Path, *, version: int, fingerprint: str | None = None, home: Path | None = None
    ) -> None:
        opened = open_package(package, fingerprint=fingerprint, home=home)
        self.version = version
        self.package = package
        self.plan = opened.plan
        self.known_texts = read_known_texts(opened)
        self.features = Features.from_dict(self.plan.features)
        self.request_schema = polars_schema(parse_fields(self.plan.request, where="source.request"))
        tables = {
            name: polars_schema(parse_fields(fields, where=f"tables.{name}"))
            for name, fields in self.plan.tables.items()
        }
        self.view_schema = self.features.view_schema(tables)
        self.engine = open_engine(opened)
        self._output_mapping = OutputMapping(self.plan)
        self._is_final = self.engine.exact and not self.plan.classes  # single numbers need no output mapping

    @property
    def task(self) -> Task:
        """The kind of prediction that this version makes."""
        return make_task(self.plan.task, classes=tuple(self.plan.classes), scale=self.plan.scale)

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The outputs for a few rows of inputs."""
        outputs = self.engine.score_rows(rows)
        if self._is_final and not (outputs and isinstance(outputs[0], list)):
            return outputs
        return list(map(self._output_mapping.of_row, outputs))

    def score(self, inputs: pl.DataFrame) -> pl.Series:
        """The outputs for many rows of inputs; equal to `score_rows`, with an exact engine bit by bit."""
        if inputs.is_empty():
            return pl.Series("output", [], dtype=self.task.output_dtype)
        return to_series(self._output_mapping.of_rows(self.engine.score(inputs)))


def has_no_number(output: Output) -> bool:
    """Whether an output is not a number (NaN): the model has no answer."""
    return any(map(math.isnan, output)) if isinstance(output, list) else math.isnan(output)


def views_of(predictors: Sequence[Predictor]) -> dict[str, View]:
    """All views that these versions need, by the version of the view."""
    return {view.version: view for predictor in predictors for view in predictor.features.views}
