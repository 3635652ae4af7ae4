"""The feature reader: the inputs of each request, what was missing, and which view refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.clock import to_micros
from mlops_lab.features import Features, View, count, last
from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.online import make_fact_row
from mlops_lab.inference.feature_reader import FeatureReader

AT = datetime(2013, 3, 1, tzinfo=UTC)
STOCK = View("stock", "stock", by="shop", values={"items": last("items")})
REQUEST = {"asked_at": pl.Datetime("us", "UTC"), "shop": pl.String, "amount": pl.Float64}


@dataclass(frozen=True)
class PlanOfTime:
    """The part of a plan that a reader needs."""

    time: str = "asked_at"


@dataclass(frozen=True)
class Definition:
    """The part of a predictor that a reader needs: no model is involved in reading features."""

    features: Features
    request_schema: dict[str, Any]
    view_schema: dict[str, Any]
    plan: PlanOfTime = PlanOfTime()


def make_reader(
    inputs: list[str],
    *,
    views: Sequence[View] = (),
    derived: dict[str, pl.Expr] | None = None,
    known_since: dict[str, datetime] | None = None,
) -> FeatureReader:
    features = Features(inputs, views=list(views), derived=derived or {})
    view_schema = {name: pl.Float64 for view in views for name in view.values}
    store = MemoryStore(views)
    for hour, items in ((0, 5.0), (2, 6.0)):
        known_at = AT + timedelta(hours=hour)
        row = {"shop": "a", "items": items}
        store.add("stock", [make_fact_row(row, known_at, known_at, str(hour))])
    definition = Definition(features, REQUEST, view_schema)
    return FeatureReader(definition, store, known_since=known_since)  # type: ignore[arg-type]


def request(*, hours: float = 1, shop: str = "a", amount: float | None = 10.0) -> dict[str, Any]:
    return {"asked_at": AT + timedelta(hours=hours), "shop": shop, "amount": amount}


def test_no_requests_have_no_inputs():
    assert make_reader(["amount"]).read([]) == []


def test_request_fields_are_the_inputs_where_nothing_else_is_needed():
    reader = make_reader(["amount", "shop"])
    assert reader.log_columns == []
    (inputs,) = reader.read([request()])
    assert (inputs.values, inputs.looked_up, inputs.missing, inputs.refused_by) == ((10.0, "a"), (), {}, None)


def test_a_view_is_read_as_of_the_time_of_each_request():
    reader = make_reader(["amount", "items"], views=[STOCK])
    assert reader.log_columns == ["items"]
    early, late, unknown = reader.read([request(hours=1), request(hours=3), request(shop="b")])
    assert (early.values, early.looked_up, early.missing) == ((10.0, 5.0), (5.0,), {})
    assert late.values == (10.0, 6.0)
    assert (unknown.values, unknown.missing, unknown.refused_by) == ((10.0, None), {"stock": "unknown"}, None)


def test_a_request_that_is_older_than_what_is_known_finds_no_facts():
    reader = make_reader(["items"], views=[STOCK], known_since={"stock": AT + timedelta(hours=2)})
    old, new = reader.read([request(hours=1.9), request(hours=2)])
    assert (old.values, old.missing) == ((None,), {"stock": "too_old"})
    assert (new.values, new.missing) == ((5.0,), {})
    elsewhere = make_reader(["items"], views=[STOCK], known_since={"orders": AT + timedelta(hours=2)})
    assert elsewhere.read([request(hours=1.9)])[0].values == (5.0,)


def test_the_first_view_that_refuses_is_named():
    first, second = (
        View(name, "stock", by="shop", values={f"{name}_items": last("items")}, missing="refuse") for name in ("x", "y")
    )
    reader = make_reader(["items", "x_items", "y_items"], views=[STOCK, first, second])
    known, unknown = reader.read([request(), request(shop="b")])
    assert known.refused_by is None
    assert unknown.refused_by == "x"
    assert unknown.missing == {"stock": "unknown", "x": "unknown", "y": "unknown"}


def test_a_window_without_facts_counts_zero_of_them():
    window = View("orders", "stock", by="shop", over="1h", values={"orders": count("items")})
    (inputs,) = make_reader(["orders"], views=[window]).read([request(hours=9)])
    assert (inputs.values, inputs.missing) == ((0.0,), {})


def test_derived_features_are_computed_from_fields_and_views():
    per_item = pl.col("amount") / pl.col("items")
    hour = pl.col("asked_at").dt.hour()
    reader = make_reader(["hour", "per_item"], views=[STOCK], derived={"per_item": per_item, "hour": hour})
    assert reader.log_columns == ["hour", "per_item"]
    one, other = reader.read([request(hours=1), request(hours=3, amount=None)])
    assert one.values == (1, 2.0)
    assert other.values == (3, None)


requests = st.builds(
    request,
    hours=st.sampled_from([-1, 0, 0.5, 2, 3]),
    shop=st.sampled_from("ab"),
    amount=st.none() | st.floats(-1e6, 1e6),
)


@pytest.fixture(scope="module")
def reader() -> FeatureReader:
    per_item = pl.col("amount") / pl.col("items")
    return make_reader(["shop", "items", "per_item"], views=[STOCK], derived={"per_item": per_item})


@given(st.lists(requests, min_size=1, max_size=6))
def test_requests_have_the_same_inputs_together_and_alone(reader, drawn):
    alone = [reader.read([row])[0] for row in drawn]
    assert repr(reader.read(drawn)) == repr(alone)
    moments = [to_micros(row["asked_at"]) for row in drawn]
    assert repr(reader.read(drawn, moments)) == repr(alone), "with the moments given"
