"""A predictor: one version, ready to answer. And the model set: all live versions over one store of facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from mlops_lab.clock import to_micros
from mlops_lab.contracts.fields import DTYPES, parse_fields, polars_schema
from mlops_lab.features.definition import Features, View
from mlops_lab.features.online import Store, entity_of
from mlops_lab.registry.engine import Arrangement, Output, open_engine
from mlops_lab.registry.package import load_plan
from mlops_lab.training.task import Task, make_task, to_series


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
        self._arrangement = Arrangement(self.plan)

    @property
    def task(self) -> Task:
        """What it predicts."""
        return make_task(self.plan.task, classes=tuple(self.plan.classes), scale=self.plan.scale)

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Output]:
        """The answers for a few rows of inputs."""
        return [self._arrangement.of_row(output) for output in self.engine.score_rows(rows)]

    def score(self, inputs: pl.DataFrame) -> pl.Series:
        """The answers for many rows of inputs; equal to `score_rows`, with an exact engine bit by bit."""
        if inputs.is_empty():
            return pl.Series("output", [], dtype=self.task.output_dtype)
        return to_series(self._arrangement.of_rows(self.engine.score(inputs)))


class Inputs(NamedTuple):
    """The inputs of one request; by view, why it knew nothing of it; and whether one of those views refuses."""

    values: tuple[Any, ...]
    missing: dict[str, str]
    refused_by: str | None


class FeatureReader:
    """Computes the inputs of one feature definition for a few requests, from the store.

    Request fields and view values are taken as they are; only the columns that derived features ask for become a
    frame. Moments enter it as integers, which Polars takes over ten times faster than datetimes.
    """

    def __init__(self, predictor: Predictor, store: Store) -> None:
        features = predictor.features
        self._store = store
        self._time = predictor.plan.time
        self._pick = _picker(list(features.inputs))
        self._views = [(view, entity_of(list(view.keys)), list(view.values)) for view in features.views]
        schema = {**predictor.request_schema, **predictor.view_schema}
        self._derived = [name for name in features.inputs if name in features.derived]
        self._roots = [(name, schema[name], schema[name] == DTYPES["datetime"]) for name in features.roots]
        self._features = features

    def read(self, requests: Sequence[Mapping[str, Any]]) -> list[Inputs]:
        """The inputs of each request, as of its own time."""
        rows = [dict(request) for request in requests]
        moments = [to_micros(row[self._time]) for row in rows] if self._views else []
        missing: list[dict[str, str]] = [_NOTHING] * len(rows)
        refused: list[str | None] = [None] * len(rows)
        for view, entity, names in self._views:
            asked = list(zip(map(entity, rows), moments, strict=True))
            for index, (row, (values, reason)) in enumerate(zip(rows, self._store.read(view, asked), strict=True)):
                row.update(zip(names, values, strict=True))
                if reason is not None:
                    missing[index] = {**missing[index], view.name: reason}
                    if view.refuses and refused[index] is None:
                        refused[index] = view.name
        if self._derived:
            for row, values in zip(rows, self._derive(rows), strict=True):
                row.update(zip(self._derived, values, strict=True))
        pick = self._pick
        return [Inputs(pick(row), why, by) for row, why, by in zip(rows, missing, refused, strict=True)]

    def _derive(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        asked, columns = len(rows), []
        rows = rows if asked > 1 else [*rows, *rows]  # as `Features.derive` would do, and slower
        for name, dtype, is_moment in self._roots:
            values = [row[name] for row in rows]
            if is_moment:
                moments = [None if value is None else to_micros(value) for value in values]
                columns.append(pl.Series(name, moments, dtype=pl.Int64).cast(dtype))
            else:
                columns.append(pl.Series(name, values, dtype=dtype))
        return self._features.derive(columns, rows=len(rows)).rows()[:asked]


_NOTHING: dict[str, str] = {}


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """A function from a row to the values of these names, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple([row[name] for name in names])


def views_of(predictors: Sequence[Predictor]) -> dict[str, View]:
    """All views that these versions need, by the version of the view."""
    return {view.version: view for predictor in predictors for view in predictor.features.views}
