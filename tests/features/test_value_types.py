"""The dtypes of a view's values, and errors about views that do not fit their table."""

import polars as pl
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.features import Features, View, count, last, mean, share, smallest, total
from mlops_lab.features.value_types import value_types

MOMENT = pl.Datetime("us", "UTC")
TABLES = {"orders": {"shop": pl.String(), "amount": pl.Float64(), "express": pl.Boolean(), "at": MOMENT}}


@pytest.mark.parametrize(
    ("view", "named"),
    [
        (View("v", "orders", by="shop", over="1h", values={"x": mean("shop")}), "needs numbers"),
        (View("v", "orders", by="shop", over="1h", values={"x": total("at")}), "needs numbers"),
        (View("v", "nope", by="shop", values={"x": last("amount")}), "nope"),
        (View("v", "orders", by="nope", values={"x": last("amount")}), "nope"),
        (View("v", "orders", by="shop", values={"x": last("nope")}), "nope"),
    ],
)
def test_a_table_or_column_that_does_not_fit_is_named(view, named):
    with pytest.raises(InvalidInput, match=named) as caught:
        Features(inputs=["x"], views=[view]).view_schema(TABLES)
    assert 'view "v"' in str(caught.value)
    assert caught.value.hint


def test_values_keep_the_type_of_their_column_or_are_numbers():
    features = Features(
        inputs=["x"],
        views=[
            View("l", "orders", by="shop", values={"e": last("express"), "w": last("at")}),
            View("n", "orders", by="shop", over="1d", values={"m": mean("express"), "c": count("shop")}),
        ],
    )
    expected = {"e": pl.Boolean(), "w": MOMENT, "m": pl.Float64(), "c": pl.Float64()}
    assert features.view_schema(TABLES) == expected


@pytest.mark.parametrize(
    ("aggregate", "missing", "fits"),
    [
        (last("amount"), 1.5, True),
        (last("amount"), 1, True),
        (last("amount"), True, False),
        (last("amount"), "1", False),
        (last("express"), False, True),
        (last("express"), 0, False),
        (last("shop"), "a", True),
        (last("shop"), 1, False),
        (last("shop"), None, True),
    ],
)
def test_a_default_has_the_type_of_its_value(aggregate, missing, fits):
    view = View("v", "orders", by="shop", values={"x": aggregate}, missing={"x": missing})
    if fits:
        assert value_types(view, TABLES).keys() == {"x"}
    else:
        with pytest.raises(InvalidInput, match="does not fit"):
            value_types(view, TABLES)


def test_the_value_of_a_share_has_the_type_of_its_column():
    good, bad = (View("v", "orders", by="shop", over="1h", values={"x": share("shop", of=value)}) for value in ("a", 1))
    assert value_types(good, TABLES) == {"x": pl.Float64()}
    with pytest.raises(InvalidInput, match="of=1 does not fit"):
        value_types(bad, TABLES)


def test_extremes_need_numbers_or_moments():
    view = View("v", "orders", by="shop", over="1h", values={"x": smallest("at")})
    assert value_types(view, TABLES) == {"x": MOMENT}
    with pytest.raises(InvalidInput, match="needs numbers"):
        value_types(View("v", "orders", by="shop", over="1h", values={"x": smallest("express")}), TABLES)


def test_a_value_of_two_views_is_refused():
    views = [View(name, "orders", by="shop", values={"x": last("amount")}) for name in ("v", "w")]
    with pytest.raises(InvalidInput, match="another view"):
        Features(["x"], views).view_schema(TABLES)
