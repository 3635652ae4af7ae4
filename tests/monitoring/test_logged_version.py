"""The features of a version, computed from what its requests held."""

import polars as pl
from served_facts import read_served_facts

from mlops_lab.monitoring.logged_version import LoggedVersion


def test_features_are_computed_as_they_were_for_training(tiny):
    version = LoggedVersion(1, tiny.predictor.plan)
    rows = tiny.training.holdout.tail(50).with_columns(at="asked_at")
    computed = version.compute(rows, read_served_facts(tiny.project, tiny.lake))
    assert computed.columns == list(version.columns)
    assert computed.equals(tiny.training.holdout_inputs.tail(50).select(computed.columns))


def test_a_field_that_only_the_version_knew_is_null_where_the_log_lacks_it(tiny):
    plan = tiny.predictor.plan
    version = LoggedVersion(1, type(plan)(**{**plan_fields(plan), "request": {**plan.request, "gone": "float?"}}))
    rows = tiny.training.holdout.tail(5).with_columns(at="asked_at")
    facts = read_served_facts(tiny.project, tiny.lake)
    assert version.compute(rows, facts).height == 5
    assert version.compute(rows.with_columns(gone=pl.lit(1.0)), facts).height == 5


def plan_fields(plan) -> dict:
    return {name: getattr(plan, name) for name in plan.__struct_fields__}


def test_the_view_of_a_feature(tiny):
    version = LoggedVersion(1, tiny.predictor.plan)
    views = {name: version.view_of(name) for name in version.columns}
    names = {name: view and view.name for name, view in views.items()}
    assert names["items"] == names["per_item"] == "stock"
    assert names["since_last"] == "customer"
    assert names["hour"] is None
