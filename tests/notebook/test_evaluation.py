"""How good a result is: the figures are those of the loop, in all and by group."""

from typing import Any

import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from mlops_lab import Project, evaluate, train
from mlops_lab.errors import InvalidInput
from mlops_lab.features import Features
from mlops_lab.gates.sanity import check_sanity
from mlops_lab.monitoring.quality import quality
from mlops_lab.notebook.result import Result


@pytest.fixture(scope="module")
def result(tiny: Any, shop: Project) -> Result:
    return train(shop, now=tiny.now)


def test_the_figures_are_those_of_the_gates(result: Result, make_gate_input: object) -> None:
    found = evaluate(result)
    evidence = check_sanity(make_gate_input()).evidence  # type: ignore[operator]
    assert found.quality["log_loss"] == pytest.approx(evidence["log_loss"], rel=1e-12)
    assert found.baseline["log_loss"] == pytest.approx(evidence["baseline_log_loss"], rel=1e-12)
    assert found.groups is None
    assert found.seen == 0


def test_each_group_is_measured_on_its_own_rows(result: Result) -> None:
    groups = evaluate(result, by="shop").groups
    assert groups is not None
    assert groups["rows"].sum() == result.holdout.height
    assert groups["rows"].to_list() == sorted(groups["rows"], reverse=True)
    for row in groups.iter_rows(named=True):
        rows = result.holdout.filter(pl.col("shop") == row["shop"])
        alone = quality(result.predictor.task, rows["late"].cast(pl.Float64), rows["output"])
        assert {name: row[name] for name in alone} == pytest.approx(alone)


def test_days_are_those_of_the_project(result: Result) -> None:
    groups = evaluate(result, by="day").groups
    assert groups is not None
    local = result.holdout["asked_at"].dt.convert_time_zone("America/New_York").dt.date()
    assert groups["day"].to_list() == sorted(set(local))


def test_many_different_numbers_are_grouped_in_quarters(result: Result) -> None:
    groups = evaluate(result, by="amount").groups
    assert groups is not None
    assert groups.height == 5, "four, and the rows without a number"
    assert groups["amount"][-1] is None
    first, second = groups["amount"][0].split(" to "), groups["amount"][1].split(" to ")
    assert float(first[0]) < float(first[1]) < float(second[0])
    assert groups["rows"].head(4).max() - groups["rows"].head(4).min() < 10


def test_groups_by_an_expression_over_the_models_inputs(result: Result) -> None:
    night = evaluate(result, by=(pl.col("hour") < 8).alias("night")).groups
    assert night is not None
    assert night["night"].to_list() == [False, True]


def test_given_rows_are_evaluated(tiny: Any, shop: Project, result: Result) -> None:
    rows = shop.read("orders")
    found = evaluate(result, on=rows.sample(fraction=1.0, shuffle=True, seed=1))
    assert found.answers.rows.height == 2000
    assert found.seen == tiny.training.inputs.height
    held_out = evaluate(result, on=rows.filter(pl.col("order_id").is_in(result.holdout["order_id"].implode())))
    assert held_out.quality == pytest.approx(dict(evaluate(result).quality))
    assert held_out.seen == 0
    assert "perhaps trained on  " in repr(found)


def test_an_evaluation_shows_all_and_its_groups(result: Result) -> None:
    shown = repr(evaluate(result, by="shop")).splitlines()
    assert shown[3].split()[:4] == ["shop", "rows", "log", "loss"]
    assert [line.split()[0] for line in shown[4:]] == ["a", "b", "c", "all"]
    assert evaluate(result, by="shop")._repr_html_().count("<i ") == 4


def test_classes_are_compared_with_their_rates(iris: Project) -> None:
    found = evaluate(train(iris, LogisticRegression, features=Features(inputs=["petal_length"])), by="sepal_length")
    assert found.quality["accuracy"] > 0.8
    assert found.baseline["log_loss"] == pytest.approx(1.0986, abs=0.05)
    assert found.groups is not None
    assert found.groups.height == 4


def test_rows_without_a_moment_get_the_present_one(iris: Project) -> None:
    rows = pl.read_csv(iris.root / "data.csv")
    result = train(iris, LogisticRegression, features=Features(inputs=["petal_length"]))
    found = evaluate(result, on=rows, by=pl.col("species").alias("rows"))
    assert found.seen is None
    assert "not known: they have no moment" in repr(found)
    assert found.groups is not None
    assert found.groups.select("rows_", "rows").rows() == [("setosa", 50), ("versicolor", 50), ("virginica", 50)]


@pytest.mark.parametrize(
    ("by", "on", "code"),
    [
        ("colour", None, "bad_group"),
        (pl.col("shop") + pl.col("colour"), None, "bad_group"),
        (pl.col("amount").sum(), None, "bad_group"),
        (None, pl.DataFrame({"shop": ["a"]}), "missing_column"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_a_hint(
    result: Result, by: object, on: pl.DataFrame | None, code: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        evaluate(result, by=by, on=on)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.hint


def test_no_rows_and_too_many_groups_are_refused(shop: Project, result: Result) -> None:
    with pytest.raises(InvalidInput, match="no rows"):
        evaluate(result, on=shop.read("orders").clear())
    with pytest.raises(InvalidInput, match="too many"):
        evaluate(result, on=shop.read("orders"), by="order_id")
