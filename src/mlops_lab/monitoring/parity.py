"""Parity: features that were served are computed again, offline, as of their own time, and compared cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from mlops_lab.contracts.fields import parse_fields
from mlops_lab.features.definition import Features
from mlops_lab.features.offline import view_values
from mlops_lab.features.view import View
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.package import Plan
from mlops_lab.schemas.casts import cast_exactly
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.facts import concat_facts, facts_of, identity_of
from mlops_lab.tables.fields import request_fields
from mlops_lab.tables.log_columns import feature_columns
from mlops_lab.tables.versions import with_retractions

EXAMPLES = 5
SAMPLE = 50
_BLOCK_ROWS = 100_000
_MAX_CHUNKS = 16  # more of them make every read of a table slower


@dataclass(frozen=True)
class Difference:
    """One cell that was served differently from its definition."""

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
    """Compares logged predictions with the definition. Keeps the rows it has read of the lake, and reads only new ones.

    `plan_of` loads the plan of a version.
    """

    def __init__(self, project: Project, lake: Lake, *, plan_of: Callable[[int], Plan]) -> None:
        self._project = project
        self._lake = lake
        self._files: dict[str, frozenset[str]] = {}
        self._facts: dict[str, pl.DataFrame] = {}
        self._plan_of = plan_of
        self._versions: dict[int, _Version] = {}

    def verify_all(self) -> ParityReport:
        """The report on every prediction that was ever logged."""
        report = ParityReport()
        if PREDICTIONS.exists(self._lake):
            predictions = PREDICTIONS.read(self._lake).sort("at", "id")
            for start in range(0, predictions.height, _BLOCK_ROWS):
                self.compare(predictions[start : start + _BLOCK_ROWS], report)
        return report

    def verify_sample(self, predictions: pl.DataFrame) -> ParityReport:
        """The report on some of these predictions, chosen by their ids."""
        report = ParityReport()
        chosen = predictions.sort(pl.col("id").hash(seed=1), "id").head(SAMPLE) if predictions.height else predictions
        self.compare(chosen, report)
        return report

    def compare(self, predictions: pl.DataFrame, report: ParityReport) -> None:
        """Compare these predictions and add the differences to the report."""
        if predictions.is_empty():
            return
        facts = self._refresh()
        for (number,), rows in predictions.group_by("version", maintain_order=True):
            version = self._version(int(str(number)))
            defined = self._compute(version, rows, facts)
            report.predictions += rows.height
            for name in defined.columns:
                self._compare_column(name, version, rows, defined[name], report)

    def _compute(self, version: _Version, rows: pl.DataFrame, facts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """The inputs that are computed: view values and derived features, but no request fields."""
        time, features = version.plan.time, version.features
        requests = self._requests(version, rows)
        looked_up = [
            view_values(view, requests, time=time, facts=_visible_facts(view, requests, facts[view.table], time=time))
            for view in features.views
        ]
        inputs = features.select(pl.concat([requests, *looked_up], how="horizontal"))
        return inputs.select(list(version.columns))

    def _requests(self, version: _Version, rows: pl.DataFrame) -> pl.DataFrame:
        """The requests, with the fields that are declared now and those that the version knew."""
        declared = [field.name for field in request_fields(self._project)]
        known = parse_fields(version.plan.request, where="source.request")
        removed = [
            pl.col(field.name) if field.name in rows.columns else pl.lit(None, field.dtype).alias(field.name)
            for field in known
            if field.name not in declared
        ]
        return rows.select(*declared, *removed)

    def _compare_column(
        self, name: str, version: _Version, rows: pl.DataFrame, defined: pl.Series, report: ParityReport
    ) -> None:
        report.cells += rows.height
        column = version.columns[name]
        if column not in rows.columns:  # the server that answered did not log it
            served = pl.Series(name, [None] * rows.height, dtype=defined.dtype)
        else:
            served, defined = _alike(rows[column], defined)
        if served.equals(defined, null_equal=True):
            return
        view = _view_of(version.features, name)
        differs = served.ne_missing(defined)
        if view and "missing" in rows.columns:  # a store that did not answer was logged as missing: no skew
            unavailable = rows["missing"].str.json_path_match(f"$['{view.name}']") == "unavailable"
            differs = differs & ~unavailable.fill_null(value=False)
        if served.dtype.is_float():
            differs = differs & ~(served.is_nan() & defined.is_nan()).fill_null(value=False)
        if not differs.any():
            return
        report.differing[name] = report.differing.get(name, 0) + int(differs.sum())
        so_far = sum(example.feature == name for example in report.examples)
        for index in differs.arg_true().head(EXAMPLES - so_far):
            row = rows.row(index, named=True)
            entity = {key: row[key] for key in view.keys} if view else {}
            report.examples.append(
                Difference(
                    prediction=row["id"],
                    at=row["at"],
                    version=row["version"],
                    feature=name,
                    view=view.name if view else None,
                    entity=entity,
                    served=served[index],
                    defined=defined[index],
                )
            )

    def _version(self, number: int) -> _Version:
        if number not in self._versions:
            self._versions[number] = _Version(self._plan_of(number))
        return self._versions[number]

    def _refresh(self) -> dict[str, pl.DataFrame]:
        """The facts of every table, with those that were added since the last time."""
        source = self._project.settings.source.table
        for table in (source, OUTCOMES.name, *self._project.settings.tables):
            if not self._lake.exists(table):
                continue
            rows, self._files[table], is_whole = self._lake.read_added(table, self._files.get(table, frozenset()))
            if rows.height:
                added = facts_of(self._project, table, rows, as_served=True)
                facts = concat_facts([self._facts[table], added]) if table in self._facts and not is_whole else added
                self._facts[table] = facts.rechunk() if facts.n_chunks() > _MAX_CHUNKS else facts
        parts = [self._facts[table] for table in (source, OUTCOMES.name) if table in self._facts]
        facts_by_table = {**self._facts, source: concat_facts(parts)} if parts else self._facts
        return {
            table: with_retractions(facts, identity_of(self._project, table))
            for table, facts in facts_by_table.items()
            if table != OUTCOMES.name
        }


class _Version:
    """The definition that a version was trained with, and where its features are logged."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.features = Features.from_dict(plan.features)
        self.columns = feature_columns(self.features.inputs, self.features.computed, plan.request)


def _alike(served: pl.Series, defined: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Both in one type. A column of the log holds the values of all versions: where one of them had text there, the
    numbers of the others are text too, and are read back."""
    if (served.dtype == pl.String) != (defined.dtype == pl.String):
        served, _ = cast_exactly(served, pl.Float64() if defined.dtype.is_numeric() else defined.dtype)
    return served, defined.cast(served.dtype)


def _visible_facts(view: View, requests: pl.DataFrame, facts: pl.DataFrame, *, time: str) -> pl.DataFrame:
    """The facts that one of these requests could see: those of its entity, and where there is a window, inside it."""
    keep = [pl.col(column).is_in(requests[name].unique().drop_nulls().implode()) for name, column in view.keys.items()]
    if view.window is not None:
        oldest = requests[time].min()
        assert isinstance(oldest, datetime)
        keep.insert(0, pl.col("_known_at") >= oldest - view.window)
    columns = dict.fromkeys(("_fact_id", "_known_at", "_seen_at", *view.columns))
    return facts.lazy().select(list(columns)).filter(*keep).collect(engine="in-memory")


def _view_of(features: Features, name: str) -> View | None:
    """The view that a feature comes from; of a derived feature, the first view that it uses."""
    roots = [name] if name not in features.derived else features.derived[name].meta.root_names()
    return next((view for view in features.views if any(root in view.values for root in roots)), None)
