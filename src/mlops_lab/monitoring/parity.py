"""Parity: what was served is computed again, offline, as of its own time, and compared cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from mlops_lab.features.definition import Features, View
from mlops_lab.features.offline import view_values
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.facts import facts_of
from mlops_lab.tables.fields import request_fields

EXAMPLES = 5
SAMPLE = 50
_STRETCH_ROWS = 100_000
_CHUNKS = 16  # more of them make every look at a table slower


@dataclass(frozen=True)
class Difference:
    """One cell that was served otherwise than it is defined."""

    prediction: str
    at: datetime
    version: int
    feature: str
    view: str | None
    entity: dict[str, Any]
    served: Any
    defined: Any


@dataclass
class ParityReport:
    """How much was compared, how much differs by feature, and examples."""

    predictions: int = 0
    cells: int = 0
    differing: dict[str, int] = field(default_factory=dict)
    examples: list[Difference] = field(default_factory=list)

    @property
    def differing_cells(self) -> int:
        """How many cells differ."""
        return sum(self.differing.values())


class Verifier:
    """Compares logged predictions with the definition. Keeps what it read of the lake, and later reads what is new.

    `features_of` loads the definition of a version.
    """

    def __init__(self, project: Project, lake: Lake, *, features_of: Callable[[int], Features]) -> None:
        self._project = project
        self._lake = lake
        self._files: dict[str, frozenset[str]] = {}
        self._facts: dict[str, pl.DataFrame] = {}
        self._features_of = features_of
        self._known: dict[int, Features] = {}

    def verify_all(self) -> ParityReport:
        """Every prediction that was ever logged."""
        report = ParityReport()
        if PREDICTIONS.exists(self._lake):
            predictions = PREDICTIONS.read(self._lake).sort("at", "id")
            for start in range(0, predictions.height, _STRETCH_ROWS):
                self.compare(predictions[start : start + _STRETCH_ROWS], report)
        return report

    def verify_sample(self, predictions: pl.DataFrame) -> ParityReport:
        """Some of these predictions, chosen by their ids."""
        report = ParityReport()
        chosen = predictions.sort(pl.col("id").hash(seed=1), "id").head(SAMPLE) if predictions.height else predictions
        self.compare(chosen, report)
        return report

    def compare(self, predictions: pl.DataFrame, report: ParityReport) -> None:
        """Compare these predictions and add what was found to the report."""
        if predictions.is_empty():
            return
        facts = self._refresh()
        for (version,), rows in predictions.group_by("version", maintain_order=True):
            features = self._features(int(str(version)))
            defined = self._compute(features, rows, facts)
            report.predictions += rows.height
            for name in defined.columns:
                self._compare_column(name, features, rows, defined[name], report)

    def _compute(self, features: Features, rows: pl.DataFrame, facts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """The view values and derived features among the inputs; request fields are what came in."""
        time = self._project.settings.source.time
        asked = rows.select(field.name for field in request_fields(self._project))
        found = [
            view_values(view, asked, time=time, facts=_that_can_count(view, asked, facts[view.table], time=time))
            for view in features.views
        ]
        inputs = features.select(pl.concat([asked, *found], how="horizontal"))
        return inputs.select(name for name in inputs.columns if name not in asked.columns)

    def _compare_column(
        self, name: str, features: Features, rows: pl.DataFrame, defined: pl.Series, report: ParityReport
    ) -> None:
        report.cells += rows.height
        if name not in rows.columns:  # served by something that did not even log it
            served = pl.Series(name, [None] * rows.height, dtype=defined.dtype)
        else:
            served = rows[name]
            defined = defined.cast(served.dtype)
        if served.equals(defined, null_equal=True):
            return
        view = _view_of(features, name)
        differs = served.ne_missing(defined)
        if view and "missing" in rows.columns:  # a store that did not answer: told in the log, and no skew
            told = rows["missing"].str.json_path_match(f"$['{view.name}']") == "unavailable"
            differs = differs & ~told.fill_null(value=False)
        if served.dtype.is_float():
            differs = differs & ~(served.is_nan() & defined.is_nan()).fill_null(value=False)
        if not differs.any():
            return
        report.differing[name] = report.differing.get(name, 0) + int(differs.sum())
        known = sum(example.feature == name for example in report.examples)
        for index in differs.arg_true().head(EXAMPLES - known):
            row = rows.row(index, named=True)
            entity = {key: row[key] for key in view.keys} if view else {}
            example = Difference(
                row["id"], row["at"], row["version"], name, view.name if view else None, entity, served[index],
                defined[index],
            )  # fmt: skip
            report.examples.append(example)

    def _features(self, version: int) -> Features:
        if version not in self._known:
            self._known[version] = self._features_of(version)
        return self._known[version]

    def _refresh(self) -> dict[str, pl.DataFrame]:
        source = self._project.settings.source.table
        for table in (source, OUTCOMES.name, *self._project.settings.tables):
            if not self._lake.exists(table):
                continue
            rows, self._files[table] = self._lake.read_added(table, self._files.get(table, frozenset()))
            if rows.height:
                name = source if table == OUTCOMES.name else table
                added = facts_of(self._project, table, rows)
                facts = self._facts[name].vstack(added) if name in self._facts else added
                self._facts[name] = facts.rechunk() if facts.n_chunks() > _CHUNKS else facts
        return self._facts


def _that_can_count(view: View, asked: pl.DataFrame, facts: pl.DataFrame, *, time: str) -> pl.DataFrame:
    """The facts that one of these requests could see: of their entities, and where there is a window, in it."""
    keep = [pl.col(column).is_in(asked[name].unique().drop_nulls().implode()) for name, column in view.keys.items()]
    if view.window is not None:
        oldest = asked[time].min()
        assert isinstance(oldest, datetime)
        keep.insert(0, pl.col("_known_at") >= oldest - view.window)
    columns = dict.fromkeys(("_fact_id", "_known_at", "_seen_at", *view.columns))
    return facts.lazy().select(list(columns)).filter(*keep).collect(engine="in-memory")


def _view_of(features: Features, name: str) -> View | None:
    """The view that a feature comes from: its own, or, for a derived one, the first that it looks at."""
    roots = [name] if name not in features.derived else features.derived[name].meta.root_names()
    return next((view for view in features.views if any(root in view.values for root in roots)), None)
