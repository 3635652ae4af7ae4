"""A row of the source table is recognized by its id, and compared by its values."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest

from mlops_lab.serving.answering.source_rows import SourceRows

AT = datetime(2013, 3, 1, tzinfo=UTC)
ROW = {
    "order_id": "a",
    "asked_at": AT,
    "customer": None,
    "shop": "x",
    "amount": 2.0,
    "express": True,
    "known_at": AT + timedelta(hours=1),
    "late": False,
    "minutes": None,
}


@pytest.fixture
def rows(write_project, tmp_path) -> SourceRows:
    return SourceRows(write_project(tmp_path))


def test_a_row_is_the_same_new_or_another(rows):
    assert rows.is_same("a", ROW) is None
    rows.add(["a"], [ROW])
    assert rows.is_same("a", ROW) is True
    assert rows.is_same("a", {**ROW, "minutes": 0.0}) is False
    assert rows.is_same("a", {**ROW, "known_at": AT + timedelta(hours=2)}) is False
    assert rows.is_same("b", ROW) is None


def test_the_zone_in_which_a_moment_is_written_does_not_matter(rows):
    rows.add(["a"], [ROW])
    zone = timezone(timedelta(hours=-5))
    assert rows.is_same("a", {**ROW, "asked_at": AT.astimezone(zone)}) is True


def test_rows_that_are_loaded_are_recognized_like_those_that_are_added(rows):
    later = {**ROW, "minutes": 5.0}
    facts = [{**row, "_fact_id": name} for name, row in (("a", ROW), ("b", ROW), ("b", later))]
    rows.load(pl.DataFrame(facts, infer_schema_length=None).drop("order_id"))
    zone = timezone(timedelta(hours=-5))
    assert rows.is_same("a", {**ROW, "asked_at": AT.astimezone(zone)}) is True
    assert rows.is_same("a", {**ROW, "shop": None}) is False
    assert [rows.is_same("b", row) for row in (ROW, later)] == [False, True], "the last version counts"
    rows.add(["a", "c"], [later, ROW])
    assert [rows.is_same(name, ROW) for name in "acd"] == [True, True, None]


def test_the_first_of_two_rows_that_are_added_is_kept(rows):
    other = {**ROW, "late": True}
    rows.add(["a", "b"], [ROW, ROW])
    rows.add(["b", "c"], [other, other])
    assert [rows.is_same(name, ROW) for name in "abc"] == [True, True, False]


def test_columns_that_no_row_has_do_not_matter(rows):
    """The facts of a state have more of them, and the id has another name."""
    fact = {**ROW, "_fact_id": "a", "_known_at": AT, "_seen_at": AT}
    del fact["order_id"]
    rows.add(["a"], [fact])
    assert rows.is_same("a", ROW) is True
