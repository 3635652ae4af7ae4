"""Gate: the training data is not emptier than what servers have seen."""

from dataclasses import replace

import polars as pl
import pytest

from mlops_lab.features import Features, View, last, mean
from mlops_lab.gates.served import MIN_ROWS, alike_inputs, check_served


@pytest.fixture
def served(make_gate_input) -> pl.DataFrame:
    return make_gate_input().training.holdout_inputs


def emptied(frame: pl.DataFrame, name: str, *, every: int) -> pl.DataFrame:
    return frame.with_columns(pl.when(pl.int_range(pl.len()) % every != 0).then(pl.col(name)).alias(name))


def test_the_same_rows_pass(make_gate_input, served):
    verdict = check_served(make_gate_input(served=served))
    assert verdict.passed
    assert verdict.evidence["inputs"] == len(served.columns)
    assert "as complete as when they were served" in verdict.reason


@pytest.mark.parametrize("served_rows", [0, MIN_ROWS - 1])
def test_few_predictions_prove_nothing(make_gate_input, served, served_rows):
    gate_input = make_gate_input(served=served.head(served_rows))
    training = replace(gate_input.training, holdout_inputs=emptied(served, "shop_orders", every=2))
    assert check_served(replace(gate_input, training=training)).passed


def test_training_data_that_is_emptier_is_refused(make_gate_input, served):
    gate_input = make_gate_input(served=served)
    training = replace(gate_input.training, holdout_inputs=emptied(served, "shop_orders", every=2))
    verdict = check_served(replace(gate_input, training=training))
    assert not verdict.passed
    assert "shop_orders in 50.1% instead of 0.0% of the rows" in verdict.reason


def test_training_data_that_is_fuller_passes(make_gate_input, served):
    assert check_served(make_gate_input(served=emptied(served, "shop_orders", every=2))).passed


def test_a_difference_within_the_limit_passes(make_gate_input, served):
    gate_input = make_gate_input(served=served)
    training = replace(gate_input.training, holdout_inputs=emptied(served, "shop_orders", every=12))
    assert check_served(replace(gate_input, training=training)).passed


def test_inputs_are_compared_where_they_are_defined_alike():
    stock = View("stock", "stock", by="shop", values={"items": last("items")})
    hour = pl.col("asked_at").dt.hour()
    one = Features(["amount", "items", "hour", "per_item"], [stock], {"hour": hour, "per_item": pl.col("items") / 2})
    assert alike_inputs(one, one) == one.inputs
    other = View("stock", "stock", by="shop", over="1d", values={"items": mean("items")})
    redefined = Features(
        ["amount", "items", "hour", "per_item"], [other], {"hour": hour, "per_item": pl.col("items") / 2}
    )
    assert alike_inputs(redefined, one) == ["amount", "hour"]
