"""Rows in quarantine: set aside once, released once, found when they keep the contract by now."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab.contracts.tables import SetAside
from mlops_lab.intake.quarantine import describe_quarantine, find_fixed, release, set_aside, waiting

AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
STOCK = {"shop": "a", "known_at": "2013-03-01T05:00:00Z", "items": 3.0}


def aside(row: dict | None = None, *, rule: str = "type", column: str = "items") -> SetAside:
    return SetAside(rule, column, f"{column} {rule}", json.dumps(STOCK if row is None else row))


def test_nothing_waits_in_an_empty_lake(small):
    assert waiting(small.lake).is_empty()
    assert describe_quarantine(small.lake) == []
    assert find_fixed(small.project, small.lake) == {}


def test_a_row_is_set_aside_once(small):
    set_aside(small.lake, AT, table="stock", rows=[aside(), aside()])
    set_aside(small.lake, AT + timedelta(days=1), table="stock", rows=[aside()])
    assert waiting(small.lake)["at"].to_list() == [AT]
    set_aside(small.lake, AT, table="orders", rows=[aside()])
    assert waiting(small.lake).height == 2, "the same row of another table is another row"


def test_a_released_row_waits_no_longer_and_is_released_once(small):
    set_aside(small.lake, AT, table="stock", rows=[aside(), aside({**STOCK, "shop": "b"})])
    first, second = waiting(small.lake)["id"]
    release(small.lake, AT, ids=[first], by="anna", why="mended")
    assert waiting(small.lake)["id"].to_list() == [second]
    version = small.lake.version("quarantine")
    release(small.lake, AT, ids=[first], by="anna", why="mended")
    assert small.lake.version("quarantine") == version


def test_what_waits_is_described_by_table_and_rule(small):
    rows = [aside({**STOCK, "items": text}) for text in ("x", "y")]
    set_aside(small.lake, AT, table="stock", rows=[*rows, aside(rule="null", column="shop")])
    described = {(breach.table, breach.rule): breach.rows for breach in describe_quarantine(small.lake)}
    assert described == {("stock", "type"): 2, ("stock", "null"): 1}


def test_rows_that_keep_the_contract_by_now_are_found_with_their_types(small):
    good, broken, foreign = STOCK, {**STOCK, "shop": None}, {**STOCK, "items": "many"}
    set_aside(small.lake, AT, table="stock", rows=[aside(good), aside(broken), aside(foreign)])
    set_aside(small.lake, AT, table="gone", rows=[aside()])
    fixed = find_fixed(small.project, small.lake)
    assert list(fixed) == ["stock"]
    ids, rows = fixed["stock"]
    assert len(ids) == rows.height == 1
    assert rows.row(0) == ("a", AT, 3.0)


@pytest.mark.parametrize("shop", ["b", "ä", ""])
def test_a_row_comes_back_as_it_went(small, shop: str):
    set_aside(small.lake, AT, table="stock", rows=[aside({**STOCK, "shop": shop})])
    ids, rows = find_fixed(small.project, small.lake)["stock"]
    assert rows["shop"].to_list() == [shop]
    assert ids == waiting(small.lake)["id"].to_list()
