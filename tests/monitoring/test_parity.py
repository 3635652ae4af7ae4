"""What was served against its definition: every cell that differs is found, and no other."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.lake import Lake
from mlops_lab.monitoring.parity import EXAMPLES, SAMPLE, ParityReport, Verifier
from mlops_lab.tables.declared import PREDICTIONS

ROWS = 60
COMPUTED = ["hour", "shop_minutes", "shop_orders", "shop_total", "last_minutes", "since_last", "items", "per_item"]


@pytest.fixture(scope="module")
def served(tiny) -> pl.DataFrame:
    """Predictions of the last orders, with the features of the definition."""
    rows = tiny.training.holdout.tail(ROWS)
    inputs = tiny.training.holdout_inputs.tail(ROWS).select(COMPUTED)
    return pl.concat([rows, inputs], how="horizontal").select(
        pl.col("_fact_id").alias("id"),
        pl.col("asked_at").alias("at"),
        "asked_at",
        "customer",
        "shop",
        "amount",
        "express",
        *COMPUTED,
        version=pl.lit(1, pl.Int64),
        missing=pl.lit(None, pl.String),
    )


@pytest.fixture(scope="module")
def verifier(tiny) -> Verifier:
    return Verifier(tiny.project, tiny.lake, plan_of=lambda version: tiny.predictor.plan)


def compare(verifier: Verifier, predictions: pl.DataFrame) -> ParityReport:
    report = ParityReport()
    verifier.compare(predictions, report)
    return report


def change(served: pl.DataFrame, feature: str, rows: list[int], value: object) -> pl.DataFrame:
    """The predictions with another value of a feature in some rows."""
    here = pl.int_range(pl.len()).is_in(rows)
    return served.with_columns(pl.when(here).then(pl.lit(value)).otherwise(feature).alias(feature))


def test_what_was_served_as_defined_has_no_difference(verifier, served):
    report = compare(verifier, served)
    assert (report.predictions, report.cells) == (ROWS, ROWS * len(COMPUTED))
    assert (report.differing, report.examples, report.differing_cells) == ({}, [], 0)


@given(rows=st.lists(st.integers(0, ROWS - 1), unique=True, min_size=1, max_size=10), feature=st.sampled_from(COMPUTED))
def test_every_changed_cell_is_found_and_no_other(verifier, served, rows, feature):
    report = compare(verifier, change(served, feature, rows, -77))
    assert report.differing == {feature: len(rows)}
    assert len(report.examples) == min(len(rows), EXAMPLES)
    changed = {served["id"][row] for row in rows}
    assert all(example.prediction in changed and example.served == -77 for example in report.examples)


def test_a_difference_names_the_view_and_the_entity(verifier, served):
    (example,) = compare(verifier, change(served, "items", [3], 1234.0)).examples
    assert (example.feature, example.view, example.entity) == ("items", "stock", {"shop": served["shop"][3]})
    assert (example.served, example.defined) == (1234.0, served["items"][3])
    derived = compare(verifier, change(served, "since_last", [3], 1234.0)).examples[0]
    assert derived.view == "customer", "a derived feature comes from the view that it uses"
    assert compare(verifier, change(served, "hour", [3], 99)).examples[0].view is None


def test_a_null_that_should_be_a_value_is_a_difference(verifier, served):
    known = [row for row, value in enumerate(served["items"]) if value is not None][:2]
    assert compare(verifier, change(served, "items", known, None)).differing == {"items": 2}


def test_a_view_that_was_unavailable_is_not_compared(verifier, served):
    """The log says that the store did not answer: that is no skew."""
    lost = change(change(served, "items", [1, 2], None), "missing", [1], '{"stock":"unavailable"}')
    assert compare(verifier, lost).differing == {"items": 1}
    stale = change(change(served, "items", [1], None), "missing", [1], '{"stock":"stale"}')
    assert compare(verifier, stale).differing == {"items": 1}


def test_a_feature_that_was_not_logged_differs_where_it_has_a_value(verifier, served):
    values = len(served) - served["items"].null_count()
    assert compare(verifier, served.drop("items")).differing == {"items": values}


def test_a_sample_does_not_depend_on_the_order_of_rows(verifier, served):
    changed = served.with_columns(items=pl.lit(-1.0))
    first, second = verifier.verify_sample(changed), verifier.verify_sample(changed.reverse())
    assert first.predictions == second.predictions == SAMPLE
    assert first.differing == second.differing
    assert verifier.verify_sample(served.clear()).predictions == 0


def test_all_predictions_of_the_lake_are_verified_and_new_facts_are_read(tiny, served, tmp_path):
    lake = Lake(tmp_path)
    lake.append("orders", tiny.lake.read("orders"))
    stock = tiny.lake.read("stock").sort("known_at")
    lake.append("stock", stock.head(1))
    PREDICTIONS.append(lake, served.with_columns(role=pl.lit("champion"), output=pl.lit(0.5)))
    verifier = Verifier(tiny.project, lake, plan_of=lambda version: tiny.predictor.plan)
    assert verifier.verify_all().differing.keys() == {"items", "per_item"}, "the lake lacks most of the stock"
    lake.append("stock", stock.tail(-1))
    report = verifier.verify_all()
    assert (report.predictions, report.differing) == (ROWS, {})
