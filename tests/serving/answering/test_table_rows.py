"""A row that is sent again is recognized by its key and its moment, also after it was loaded as columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from mlops_lab.serving.answering.table_rows import TableRows

AT = datetime(2026, 3, 1, tzinfo=UTC)


def row(shop: str | None, hours: int, items: float) -> dict[str, Any]:
    return {"shop": shop, "known_at": AT + timedelta(hours=hours), "items": items}


def same(rows: TableRows, shop: str | None, hours: int) -> float | None:
    found = rows.get(row(shop, hours, -1.0))
    return None if found is None else found["items"]


@pytest.fixture
def rows() -> TableRows:
    rows = TableRows(["shop", "known_at"])
    rows.load(pl.DataFrame([row("a", 0, 1.0), row("b", 0, 2.0), row("a", 1, 3.0), row("a", 0, 4.0), row(None, 0, 5.0)]))
    return rows


def test_a_loaded_row_is_the_same_row_as_before(rows: TableRows) -> None:
    assert rows.get(row("b", 0, 9.0)) == row("b", 0, 2.0)
    assert same(rows, "a", 1) == 3.0
    assert same(rows, None, 0) == 5.0
    assert same(rows, "a", 2) is None
    assert same(rows, "c", 0) is None


def test_of_several_with_one_identity_the_last_one_counts(rows: TableRows) -> None:
    assert same(rows, "a", 0) == 4.0
    rows.put(row("a", 0, 6.0))
    assert same(rows, "a", 0) == 6.0
    rows.put(row("d", 0, 7.0))
    assert same(rows, "d", 0) == 7.0


def test_a_table_without_rows_knows_none() -> None:
    assert same(TableRows(["shop", "known_at"]), "a", 0) is None
    rows = TableRows(["shop"])
    rows.put({"shop": "a"})
    assert rows.get({"shop": "a"}) == {"shop": "a"}
