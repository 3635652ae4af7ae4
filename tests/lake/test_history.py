"""What is known of a table after its first commits were deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake
from mlops_lab.lake.damage import past_columns
from mlops_lab.lake.history import extend_history, read_history
from mlops_lab.lake.retention import Retention, delete_unneeded, old_commits

AT = datetime(2026, 3, 1, tzinfo=UTC)
NOTHING = Retention(timedelta(0), timedelta(0))


def rows(number: int, **more: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"number": [number, number], "at": [AT + timedelta(days=number)] * 2, **more})


def forget(lake: Lake, *pinned: int) -> None:
    """Delete all that is not needed, however new it is."""
    lake.open_table("rows").create_checkpoint()
    folder = lake.table_path("rows")
    history = extend_history(folder, pinned=pinned)
    delete_unneeded(
        lake.commits,
        "rows",
        current=lake.files("rows"),
        pinned=history.files,
        commits=old_commits(folder, NOTHING),
        retention=NOTHING,
    )


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    for number in range(5):
        lake.append("rows", rows(number), time="at")
    lake.append("rows", rows(5, note=["x", None]))
    return lake


def test_a_pinned_version_is_read_when_its_commit_is_gone(lake):
    old, older = lake.read("rows", version=5), lake.read("rows", version=2)
    lake.rewrite("rows", lambda old: old.filter(pl.col("number") > 3).drop("note"))
    forget(lake, 5, 2)
    assert lake.read("rows", version=5).sort("at", "note").equals(old.sort("at", "note"))
    assert lake.read("rows", version=2).sort("number").equals(older.sort("number"))
    some = lake.read("rows", version=5, since=("at", AT + timedelta(days=2)), before=("at", AT + timedelta(days=4)))
    assert sorted(some["number"]) == [2, 2, 3, 3]
    assert lake.read("rows", version=5, columns=["number"]).columns == ["number"]
    assert Lake(lake.path).read("rows").height == 4
    forget(lake)
    assert lake.read("rows", version=5).height == 12, "it stays noted"


def test_a_version_that_nobody_needs_is_gone(lake):
    lake.rewrite("rows", lambda _: rows(9))
    forget(lake, 5)
    with pytest.raises(EnvironmentFault) as error:
        lake.read("rows", version=4)
    assert error.value.code == "lake_fault"


def test_columns_of_deleted_commits_are_remembered(lake):
    lake.rewrite("rows", lambda _: rows(9))
    forget(lake)
    lake.append("rows", rows(10, other=[1, 2]))
    assert "note" not in lake.schema("rows")
    assert past_columns(lake, "rows") == {"number", "at", "note", "other"}


def test_versions_that_a_table_from_a_copy_has_not_reached_are_forgotten(lake):
    folder = lake.table_path("rows")
    extend_history(folder, pinned=[5])
    (folder / "_delta_log" / f"{5:020d}.json").unlink()
    assert extend_history(folder, pinned=[]).pinned == {}


def test_without_its_history_nothing_is_deleted(lake):
    folder = lake.table_path("rows")
    extend_history(folder, pinned=[5])
    path = lake.path.parent / "history" / "rows.json"
    path.write_bytes(b"{")
    with pytest.raises(EnvironmentFault, match="cannot be read") as error:
        read_history(folder)
    assert error.value.where == str(path)
