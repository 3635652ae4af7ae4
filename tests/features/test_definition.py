"""A definition is data: it round-trips, and says what is wrong with it."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features, View, count, last, mean, total

MOMENT = pl.Datetime("us", "UTC")
TABLES = {"orders": {"shop": pl.String(), "amount": pl.Float64(), "express": pl.Boolean(), "at": MOMENT}}


def test_a_definition_reads_back_as_it_was():
    features = Features(
        inputs=["shop", "late", "twice"],
        views=[View("v", "orders", by="shop", over="3h", values={"late": mean("amount"), "n": count("amount")})],
        derived={"twice": pl.col("late") * 2},
    )
    back = Features.from_dict(json.loads(json.dumps(features.as_dict())))
    assert back.as_dict() == features.as_dict()
    assert back.version == features.version
    assert back.views == features.views


names = st.text(alphabet="abc_", min_size=1, max_size=4)
aggregates = st.builds(lambda how, column: how(column), st.sampled_from([mean, total, count]), names)
windowed = st.builds(
    lambda name, values, hours: View(name, "orders", by="shop", values=values, over=f"{hours}h"),
    names,
    st.dictionaries(names, aggregates, min_size=1, max_size=3),
    st.integers(1, 99),
)


@given(windowed, windowed)
def test_two_views_share_a_version_only_if_they_are_the_same(one, other):
    assert View.from_dict(json.loads(json.dumps(one.as_dict()))) == one
    assert (one.version == other.version) == (one.as_dict() == other.as_dict())


@pytest.mark.parametrize(
    ("values", "over"),
    [({"x": mean("a")}, None), ({"x": last("a")}, "3h"), ({"x": last("a"), "y": count("a")}, None)],
)
def test_a_value_that_does_not_fit_its_window_is_named(values, over):
    with pytest.raises(InvalidInput) as caught:
        View("v", "orders", by="shop", values=values, over=over)
    assert caught.value.code == "bad_view"
    assert 'view "v", value "' in str(caught.value)


@pytest.mark.parametrize("over", ["3", "h", "0h", "3w", "-3h", "3 h", ""])
def test_a_window_is_a_duration(over):
    with pytest.raises(InvalidInput):
        View("v", "orders", by="shop", values={"x": mean("a")}, over=over)


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
