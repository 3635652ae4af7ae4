"""A version whose answers are in the log: its definition, and its features as they should have been served."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from mlops_lab.contracts.fields import parse_fields, polars_schema
from mlops_lab.features.definition import Features
from mlops_lab.features.offline import refused, view_values
from mlops_lab.features.view import View
from mlops_lab.registry.package import Plan
from mlops_lab.schemas.casts import MOMENT
from mlops_lab.tables.log_columns import feature_columns


class LoggedVersion:
    """The definition that a version was trained with, and where its features are logged."""

    def __init__(self, number: int, plan: Plan) -> None:
        self.number = number
        self.plan = plan
        self.features = Features.from_dict(plan.features)
        self.columns = feature_columns(self.features.inputs, self.features.computed, plan.request)

    def compute(self, rows: pl.DataFrame, facts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """The inputs that are computed: view values and derived features, but no request fields; nor what comes from a
        table that is not declared any more, as there is nothing that it could be compared with."""
        return self.inputs(rows, facts).select(self.comparable(facts))

    def inputs(self, rows: pl.DataFrame, facts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """All inputs of the model for logged requests, each as of when it was answered; null where the log lacks a
        field."""
        features = self.features
        requests, time = self._timed_requests(rows)
        looked_up = [
            view_values(view, requests, time=time, facts=self._facts_of(view, requests, facts, time=time))
            for view in features.views
        ]
        return features.select(pl.concat([requests, *looked_up], how="horizontal"))

    def comparable(self, facts: Mapping[str, pl.DataFrame]) -> list[str]:
        """The inputs that `compute` has."""
        gone = {name for view in self.features.views if view.table not in facts for name in view.values}
        return [name for name in self.columns if not gone & self._roots_of(name)]

    def refusals(self, rows: pl.DataFrame, facts: Mapping[str, pl.DataFrame]) -> list[str | None]:
        """For each logged request, why the version does not answer it (None: it does): a field that it must have, or a
        view without facts that is declared to refuse then."""
        requests, time = self._timed_requests(rows)
        reasons: list[str | None] = [None] * rows.height
        for view in self.features.views:
            if view.refuses:
                known = {view.table: self._facts_of(view, requests, facts, time=time)}
                for index in refused(Features([], [view]), requests, time=time, facts=known).arg_true():
                    reasons[index] = f"the view {view.name} has no facts for it"
        for field in parse_fields(self.plan.request, where="source.request"):
            if not field.nullable:
                for index in requests[field.name].is_null().arg_true():
                    reasons[index] = f'the request has no "{field.name}"'
        return reasons

    def view_of(self, name: str) -> View | None:
        """The view that a feature comes from; of a derived feature, the first view that it uses."""
        return next(iter(self._views_of(name)), None)

    def tables_of(self, name: str) -> set[str]:
        """The tables of facts that a feature comes from."""
        return {view.table for view in self._views_of(name)}

    def _views_of(self, name: str) -> list[View]:
        roots = self._roots_of(name)
        return [view for view in self.features.views if roots & view.values.keys()]

    def _roots_of(self, name: str) -> set[str]:
        """The request fields and view values that a feature is computed from."""
        derived = self.features.derived
        return {*derived[name].meta.root_names()} if name in derived else {name}

    def _timed_requests(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, str]:
        """The requests, and the column that says as of when their views are looked up."""
        requests = self._requests(rows)
        if not self.features.views:
            return requests, self.plan.time
        return (requests if "at" in requests.columns else requests.with_columns(rows["at"])), "at"

    def _facts_of(
        self, view: View, requests: pl.DataFrame, facts: Mapping[str, pl.DataFrame], *, time: str
    ) -> pl.DataFrame:
        if view.table not in facts:
            return self._no_facts(view)
        return _visible_facts(view, requests, facts[view.table], time=time)

    def _requests(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The fields of the requests that the version knew; null where they are not in the log."""
        known = parse_fields(self.plan.request, where="source.request")
        return rows.select(
            pl.col(field.name) if field.name in rows.columns else pl.lit(None, field.dtype).alias(field.name)
            for field in known
        )

    def _no_facts(self, view: View) -> pl.DataFrame:
        """No rows of the table that a view looks up, with the columns that it had."""
        declared = parse_fields(self.plan.tables.get(view.table, {}), where=view.table)
        added = {"_fact_id": pl.String(), "_known_at": MOMENT, "_seen_at": MOMENT}
        return pl.DataFrame(schema={**added, **polars_schema(declared)})


def _visible_facts(view: View, requests: pl.DataFrame, facts: pl.DataFrame, *, time: str) -> pl.DataFrame:
    """The facts that one of these requests could see: those of its entity, and where there is a window, inside it."""
    keep = [pl.col(column).is_in(requests[name].unique().drop_nulls().implode()) for name, column in view.keys.items()]
    if view.window is not None:
        oldest = requests[time].min()
        assert isinstance(oldest, datetime)
        keep.insert(0, pl.col("_known_at") >= oldest - view.window)
    weight = ["_weight"] if "_weight" in facts.columns else []
    columns = dict.fromkeys(("_fact_id", "_known_at", "_seen_at", *weight, *view.columns))
    return facts.lazy().select(list(columns)).filter(*keep).collect(engine="in-memory")
