"""What was served against its definition: every cell that differs is found, and no other."""

import shutil
from collections.abc import Mapping
from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import NotFound
from mlops_lab.lake import Lake
from mlops_lab.monitoring import parity
from mlops_lab.monitoring.parity import EXAMPLES, OUTPUT, ParityReport, Verifier
from mlops_lab.tables.declared import PREDICTIONS

ROWS = 60
COMPUTED = ["hour", "shop_minutes", "shop_orders", "shop_total", "last_minutes", "since_last", "items", "per_item"]


@pytest.fixture(scope="module")
def served(tiny) -> pl.DataFrame:
    """Predictions of the last orders, with the features of the definition."""
    rows = tiny.training.holdout.tail(ROWS)
    inputs = tiny.training.holdout_inputs.tail(ROWS).select(COMPUTED)
    output = tiny.predictor.score(tiny.training.holdout_inputs.tail(ROWS))
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
        output=output,
    )


def make_verifier(tiny, lake: Lake, erasures: Mapping[str, datetime] | None = None) -> Verifier:
    return Verifier(
        tiny.project,
        lake,
        plan_of=lambda version: tiny.predictor.plan,
        predictor_of=lambda version: tiny.predictor,
        erasures=lambda: erasures or {},
    )


@pytest.fixture(scope="module")
def verifier(tiny) -> Verifier:
    return make_verifier(tiny, tiny.lake)


def compare(verifier: Verifier, predictions: pl.DataFrame) -> ParityReport:
    report = ParityReport()
    verifier.compare(predictions, report)
    return report


def features(report: ParityReport) -> dict[str, int]:
    """The features that differ. Where one does, the answer may differ from what the log would give, too."""
    return {name: cells for name, cells in report.differing.items() if name != OUTPUT}


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
    assert features(report) == {feature: len(rows)}
    examples = [example for example in report.examples if example.feature == feature]
    assert len(examples) == min(len(rows), EXAMPLES)
    changed = {served["id"][row] for row in rows}
    assert all(example.prediction in changed and example.served == -77 for example in examples)


def test_a_difference_names_the_view_and_the_entity(verifier, served):
    example, *_ = compare(verifier, change(served, "items", [3], 1234.0)).examples
    assert (example.feature, example.view, example.entity) == ("items", "stock", {"shop": served["shop"][3]})
    assert (example.served, example.defined) == (1234.0, served["items"][3])
    derived = compare(verifier, change(served, "since_last", [3], 1234.0)).examples[0]
    assert derived.view == "customer", "a derived feature comes from the view that it uses"
    assert compare(verifier, change(served, "hour", [3], 99)).examples[0].view is None


def test_what_was_served_before_facts_of_its_table_were_erased_is_no_difference(tiny, served):
    verifier = make_verifier(tiny, tiny.lake, {"stock": served["at"][10]})
    before = served.filter(pl.col("at") <= served["at"][10]).height
    for name in ("items", "per_item"):  # a derived feature comes from the table, too
        report = compare(verifier, change(served, name, list(range(before)), 1234.0))
        assert (features(report), report.erased) == ({}, before)
        report = compare(verifier, change(served, name, [before], 1234.0))
        assert (features(report), report.erased) == ({name: 1}, 0), "answered after it"
    assert features(compare(verifier, change(served, "shop_total", [0], 1234.0))) == {"shop_total": 1}, "other facts"


def test_a_null_that_should_be_a_value_is_a_difference(verifier, served):
    known = [row for row, value in enumerate(served["items"]) if value is not None][:2]
    assert features(compare(verifier, change(served, "items", known, None))) == {"items": 2}


@pytest.mark.parametrize("reason", ["unavailable", "too_old"])
def test_a_view_that_was_not_looked_up_is_not_compared(verifier, served, reason):
    """The log says that the store did not answer: that is no skew."""
    lost = change(change(served, "items", [1, 2], None), "missing", [1], f'{{"stock":"{reason}"}}')
    assert features(compare(verifier, lost)) == {"items": 1}
    stale = change(change(served, "items", [1], None), "missing", [1], '{"stock":"stale"}')
    assert features(compare(verifier, stale)) == {"items": 1}


def test_a_feature_that_was_not_logged_differs_where_it_has_a_value(verifier, served):
    values = len(served) - served["items"].null_count()
    assert features(compare(verifier, served.drop("items"))) == {"items": values}


def test_a_sample_does_not_depend_on_the_order_of_rows(verifier, served, monkeypatch):
    monkeypatch.setattr(parity, "SAMPLE", 50)
    changed = served.with_columns(items=pl.lit(-1.0))
    first, second = verifier.verify_sample(changed), verifier.verify_sample(changed.reverse())
    assert first.predictions == second.predictions == 50
    assert first.differing == second.differing
    assert verifier.verify_sample(served.clear()).predictions == 0


def test_all_predictions_of_the_lake_are_verified_and_new_facts_are_read(tiny, served, tmp_path):
    lake = Lake(tmp_path)
    lake.append("orders", tiny.lake.read("orders"))
    stock = tiny.lake.read("stock").sort("known_at")
    lake.append("stock", stock.head(1))
    PREDICTIONS.append(lake, served.with_columns(role=pl.lit("champion")))
    verifier = make_verifier(tiny, lake)
    assert features(verifier.verify_all()).keys() == {"items", "per_item"}, "the lake lacks most of the stock"
    lake.append("stock", stock.tail(-1))
    report = verifier.verify_all()
    assert (report.predictions, report.differing) == (ROWS, {})


def test_a_day_is_verified_on_a_thousand_predictions_at_least():
    assert parity.SAMPLE >= 1000


@given(rows=st.lists(st.integers(0, ROWS - 1), unique=True, min_size=1, max_size=10))
def test_every_answer_that_the_version_does_not_give_is_found(verifier, served, rows):
    changed = change(served, "output", rows, None).with_columns(pl.col("output").fill_null(served["output"] + 2e-16))
    report = compare(verifier, changed)
    assert report.differing == {OUTPUT: len(rows)}
    assert report.answers == ROWS
    example = report.examples[0]
    row = served["id"].to_list().index(example.prediction)
    assert (example.feature, example.view, example.entity) == (OUTPUT, None, {})
    assert example.defined == served["output"][row] != example.served


def test_a_request_that_was_changed_is_found_by_its_answer(verifier, served):
    report = compare(verifier, served.with_columns(express=~pl.col("express")))
    assert report.differing[OUTPUT] > 0


def test_a_version_that_is_gone_is_left_out_and_named(tiny, served):
    def find(version: int) -> object:
        if version != 1:
            raise NotFound(f"version {version} is not recorded", code="unknown_version")
        return tiny.predictor.plan

    verifier = Verifier(tiny.project, tiny.lake, plan_of=find, predictor_of=lambda version: tiny.predictor)
    report = compare(verifier, change(served, "version", [1, 2, 3], 7))
    assert (report.predictions, report.answers, report.differing) == (ROWS - 3, ROWS - 3, {})
    assert report.unverified == {(7, "version 7 is not recorded"): 3}
    report = compare(verifier, change(served, "version", [1], None))
    assert report.unverified == {(None, "the log does not name it"): 1}


def test_a_version_that_cannot_be_opened_has_its_features_verified(tiny, served):
    def fail(version: int) -> object:
        raise NotFound("no runner here", code="runner_off")

    verifier = Verifier(tiny.project, tiny.lake, plan_of=lambda version: tiny.predictor.plan, predictor_of=fail)
    report = compare(verifier, served)
    assert (report.predictions, report.answers) == (ROWS, 0)
    assert report.unverified == {(1, "no runner here"): ROWS}


@pytest.mark.parametrize("column", ["id", "at", "version"])
def test_a_log_without_a_column_that_names_the_prediction_is_not_verified(verifier, served, column):
    report = verifier.verify_sample(served.drop(column))
    assert report.unverified == {(None, f"the log has no column {column}"): ROWS}
    assert report.predictions == 0


def test_a_request_field_that_is_gone_is_null(verifier, served):
    report = compare(verifier, served.drop("amount"))
    assert report.differing["per_item"] > 0
    assert report.predictions == ROWS


def test_a_column_of_facts_that_is_gone_is_named_and_no_crash(tiny, served, tmp_path):
    lake = Lake(tmp_path)
    lake.append("orders", tiny.lake.read("orders"))
    lake.append("stock", tiny.lake.read("stock"))
    path = str(lake.table_path("stock"))
    rows = pl.read_delta(path).drop("items")
    rows.write_delta(path, mode="overwrite", delta_write_options={"schema_mode": "overwrite"})
    report = compare(make_verifier(tiny, lake), served)
    (problem,) = report.problems
    assert (problem.table, problem.column) == ("stock", "items")
    assert report.differing.keys() == {"items", "per_item"}


def test_what_came_from_a_table_that_is_not_declared_any_more_is_not_compared(tiny, served, write_project, tmp_path):
    shutil.copytree(tiny.project.lake_path, tmp_path / ".mlops" / "lake")
    project = write_project(
        tmp_path, ("[tables.stock]", "[tables.goods]"), ("[tables.stock.fields]", "[tables.goods.fields]")
    )
    verifier = Verifier(
        project,
        Lake(project.lake_path),
        plan_of=lambda version: tiny.predictor.plan,
        predictor_of=lambda version: tiny.predictor,
    )
    report = compare(verifier, change(served, "items", [0], 999.0))
    assert (report.cells, report.differing) == (ROWS * (len(COMPUTED) - 2), {})  # without items and per_item


def test_a_field_with_the_name_of_a_feature_does_not_take_its_place(tiny, served, write_project, tmp_path):
    project = write_project(tmp_path, ('amount = "float?"', 'amount = "float?"\nitems = "string?"'))
    verifier = Verifier(
        project, tiny.lake, plan_of=lambda version: tiny.predictor.plan, predictor_of=lambda version: tiny.predictor
    )
    assert compare(verifier, served).differing == {}
