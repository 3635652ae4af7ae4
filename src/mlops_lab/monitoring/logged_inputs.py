"""What a version saw, from the log of predictions."""

from __future__ import annotations

import polars as pl

from mlops_lab.features.definition import Features
from mlops_lab.registry.package import Plan
from mlops_lab.tables.log_columns import feature_columns


def logged_inputs(predictions: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """The model inputs of logged predictions of a version with this plan, by their names; without those that the log
    does not have."""
    features = Features.from_dict(plan.features)
    looked_up = feature_columns(features.inputs, features.computed, plan.request)
    columns = {name: looked_up.get(name, name) for name in features.inputs}
    return predictions.select(
        pl.col(column).alias(name) for name, column in columns.items() if column in predictions.columns
    )
