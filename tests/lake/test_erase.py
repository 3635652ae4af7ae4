"""Rows are erased from what is current and from what stays readable, and nothing says afterwards whose they were."""

from datetime import timedelta

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.lake.erase import RowMatch, count_pinned, delete_rows, erase_pinned, matching_rows
from mlops_lab.lake.history import extend_history
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import collect

SECRET = 'o\'Neill "1"'
ROWS = pl.DataFrame(
    {"Customer id": [SECRET, "b", None, SECRET], "id": ["1", "2", "3", "4"], "amount": [1.0, 2.0, None, 4.0]}
)
MATCH = RowMatch(("Customer id", "not there"), SECRET)


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    lake.append("rows", ROWS, position=("writer", 1))
    extend_history(lake.table_path("rows"), pinned=[0])
    lake.append("rows", ROWS.with_columns(pl.col("id") + "0", new=pl.lit(True)), position=("writer", 2))
    return lake


@pytest.mark.parametrize(
    ("match", "left"),
    [
        (MATCH, ["2", "20", "3", "30"]),
        (RowMatch(ids=frozenset({"2", "40"})), ["1", "10", "20", "3", "30", "4"]),
        (RowMatch(("Customer id",), "b", ids=frozenset({"1"})), ["10", "3", "30", "4", "40"]),
        (RowMatch(("not there",), "b"), sorted(f"{number}{end}" for number in "1234" for end in ("", "0"))),
        (RowMatch(), sorted(f"{number}{end}" for number in "1234" for end in ("", "0"))),
    ],
)
def test_the_rows_that_are_meant_go_and_the_others_and_positions_stay(lake, match, left):
    assert sorted(matching_rows(lake, "rows", match)["id"]) == sorted({*lake.read("rows")["id"]} - {*left})
    delete_rows(lake, "rows", match, position=("erasure", 7))
    assert sorted(lake.read("rows")["id"]) == left
    assert lake.position("rows", "writer") == 2
    reopened = Lake(lake.path)
    assert sorted(reopened.read("rows")["id"]) == left
    assert reopened.append("rows", ROWS.head(1), position=("writer", 2)) is False


def test_numbers_are_compared_by_their_text(tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.append("rows", pl.DataFrame({"customer": [17, 170, None], "id": ["1", "2", "3"]}))
    delete_rows(lake, "rows", RowMatch(("customer",), "17"))
    assert sorted(lake.read("rows")["id"]) == ["2", "3"]


def test_a_version_that_stays_readable_loses_the_rows_and_says_how_many(lake):
    assert count_pinned(lake, "rows", MATCH) == {0: 2}
    erase_pinned(lake, "rows", MATCH)
    assert count_pinned(lake, "rows", MATCH) == {}
    old = lake.read("rows", version=0)  # the commit is still there, and names the file with the rows
    assert (old.columns, sorted(old["id"])) == (ROWS.columns, ["2", "3"])
    assert extend_history(lake.table_path("rows"), pinned=[0]).pinned[0].erased_rows == 2
    erase_pinned(lake, "rows", RowMatch(("Customer id",), "b"))
    assert extend_history(lake.table_path("rows"), pinned=[0]).pinned[0].erased_rows == 3


def test_a_version_of_which_all_rows_go_is_empty(tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.append("rows", pl.DataFrame({"customer": ["a"], "amount": [1.0]}))
    extend_history(lake.table_path("rows"), pinned=[0])
    match = RowMatch(("customer",), "a")
    erase_pinned(lake, "rows", match)
    delete_rows(lake, "rows", match)
    for rows in (lake.read("rows", version=0), lake.read("rows")):
        assert (rows.columns, rows.height) == (["customer", "amount"], 0)


def test_no_byte_of_the_value_is_left_when_copies_are_deleted(lake):
    erase_pinned(lake, "rows", MATCH)
    delete_rows(lake, "rows", MATCH)
    now = Retention(timedelta(0), timedelta(0))
    collect(lake, "rows", needed=[0], retention=now)
    collect(lake, "rows", needed=[0], retention=now)  # the checkpoint of the first one lets the commits before it go
    assert sorted(lake.read("rows", version=0)["id"]) == ["2", "3"]
    files = [path for path in lake.path.parent.rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in files:
        assert b"Neill" not in path.read_bytes(), path
