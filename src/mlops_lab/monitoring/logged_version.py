"""A version whose answers are in the log: its definition, and its features as they should have been served."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from mlops_lab.contracts.fields import parse_fields
from mlops_lab.features.definition import Features
from mlops_lab.features.offline import view_values
from mlops_lab.features.view import View
from mlops_lab.project import Project
from mlops_lab.registry.package import Plan
from mlops_lab.tables.fields import request_fields
from mlops_lab.tables.log_columns import feature_columns


class LoggedVersion:
    """The definition that a version was trained with, and where its features are logged."""

    def __init__(self, number: int, plan: Plan) -> None:
        self.number = number
        self.plan = plan
        self.features = Features.from_dict(plan.features)
        self.columns = feature_columns(self.features.inputs, self.features.computed, plan.request)

    def compute(self, project: Project, rows: pl.DataFrame, facts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """The inputs that are computed: view values and derived features, but no request fields."""
        time, features = self.plan.time, self.features
        requests = self._requests(project, rows)
        looked_up = [
            view_values(view, requests, time=time, facts=_visible_facts(view, requests, facts[view.table], time=time))
            for view in features.views
        ]
        inputs = features.select(pl.concat([requests, *looked_up], how="horizontal"))
        return inputs.select(list(self.columns))

    def view_of(self, name: str) -> View | None:
        """The view that a feature comes from; of a derived feature, the first view that it uses."""
        derived = self.features.derived
        roots = [name] if name not in derived else derived[name].meta.root_names()
        return next((view for view in self.features.views if any(root in view.values for root in roots)), None)

    def _requests(self, project: Project, rows: pl.DataFrame) -> pl.DataFrame:
        """The requests, with the fields that are declared now and those that the version knew."""
        declared = [field.name for field in request_fields(project)]
        known = parse_fields(self.plan.request, where="source.request")
        removed = [
            pl.col(field.name) if field.name in rows.columns else pl.lit(None, field.dtype).alias(field.name)
            for field in known
            if field.name not in declared
        ]
        return rows.select(*declared, *removed)


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
