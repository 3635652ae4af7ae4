"""Rows that were stored under another schema are read as they are declared now."""

import polars as pl
import pytest

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.schemas.evolution import Column, as_declared

STORED = pl.DataFrame({"id": ["a", "b"], "items": [1, None], "old": [True, False]})


def test_missing_columns_are_null_or_have_their_default():
    rows = as_declared(STORED, {"promo": Column(pl.String()), "gift": Column(pl.Boolean(), False)}, table="orders")
    assert rows.columns == ["id", "items", "old", "promo", "gift"]
    assert rows.select("promo", "gift").rows() == [(None, False), (None, False)]
    assert dict(rows.schema)["promo"] == pl.String()


def test_a_null_from_before_has_the_default():
    rows = as_declared(STORED, {"items": Column(pl.Int64(), 7)}, table="orders")
    assert rows["items"].to_list() == [1, 7]


def test_another_type_is_cast_and_what_is_not_declared_any_more_stays():
    rows = as_declared(STORED, {"items": Column(pl.String())}, table="orders")
    assert rows.rows() == [("a", "1", True), ("b", None, False)]


def test_some_columns_in_the_order_asked_for():
    rows = as_declared(STORED, {"promo": Column(pl.Int64())}, table="orders", columns=["promo", "id"])
    assert rows.rows() == [(None, "a"), (None, "b")]


def test_a_value_that_does_not_fit_is_named():
    with pytest.raises(InvalidInput, match="the stored value 'a' is no integer") as caught:
        as_declared(STORED, {"id": Column(pl.Int64())}, table="orders")
    assert (caught.value.code, caught.value.where) == ("type_changed", 'table "orders", column "id"')


def test_a_column_that_neither_is_stored_nor_declared_is_a_fault_of_the_lake():
    with pytest.raises(EnvironmentFault, match='the column "gone" is missing'):
        as_declared(STORED, {}, table="orders", columns=["gone"])
