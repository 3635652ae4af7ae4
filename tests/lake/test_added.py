"""What was added since: each row once, whatever else happens to the table."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import polars as pl
import pytest
from deltalake import DeltaTable

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake

AT = datetime(2026, 3, 1, tzinfo=UTC)


def rows(*numbers: int, **more: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"number": numbers, "at": [AT] * len(numbers), **more})


def read(lake: Lake, since=None):
    """The numbers of the rows that were added, whether these are all rows, and the mark for the next time."""
    added = lake.read_added("table", since, columns=["number"])
    return sorted(number for part in added.parts for number in part["number"]), added.is_whole, added.mark


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.append("table", rows(1))
    return lake


def test_what_was_read_is_not_read_again(lake):
    numbers, is_whole, mark = read(lake)
    assert (numbers, is_whole) == ([1], True)
    assert read(lake, mark) == ([], False, mark)
    lake.append("table", rows(2, 3))
    lake.append("table", rows(4, note=["new column"]))
    numbers, is_whole, mark = read(lake, mark)
    assert (numbers, is_whole) == ([2, 3, 4], False)
    assert read(lake, mark)[:2] == ([], False)


def test_files_that_were_put_together_hold_nothing_new(lake):
    mark = read(lake)[2]
    for number in range(2, 6):
        lake.append("table", rows(number))
    DeltaTable(str(lake.table_path("table"))).optimize.compact()
    assert len(lake.files("table")) == 1
    assert read(lake, mark)[:2] == ([2, 3, 4, 5], False)


def test_a_table_that_was_written_anew_is_read_whole(lake):
    lake.append("table", rows(2, note=[2.5]))
    mark = read(lake)[2]
    lake.append("table", rows(3, note=["x"]))
    assert read(lake, mark)[:2] == ([1, 2, 3], True)


def test_a_table_with_another_past_is_read_whole(lake, tmp_path):
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    lake.append("table", rows(2))
    mark = read(lake)[2]
    restored = Lake(tmp_path / "copy")
    assert read(restored, mark)[:2] == ([1], True)  # it is older
    restored.append("table", rows(7))
    restored.append("table", rows(8))
    assert read(restored, mark)[:2] == ([1, 7, 8], True)


@pytest.mark.parametrize("gone", ["commit", "file"])
def test_where_the_log_does_not_go_back_that_far_all_is_read(lake, gone):
    mark = read(lake)[2]
    before = {*lake.files("table")}
    lake.append("table", rows(2))
    (added,) = {*lake.files("table")} - before
    DeltaTable(str(lake.table_path("table"))).optimize.compact()
    folder = lake.table_path("table")
    DeltaTable(str(folder)).create_checkpoint()
    (folder / "_delta_log" / f"{1:020d}.json" if gone == "commit" else folder / added).unlink()
    assert read(lake, mark)[:2] == ([1, 2], True)


def test_small_files_are_read_together_with_all_columns(lake):
    for number in range(2, 30):
        lake.append("table", rows(number, **({"note": [str(number)]} if number > 20 else {})))
    (part,) = lake.read_added("table").parts
    assert sorted(part["number"]) == list(range(1, 30))
    assert part.schema["note"] == pl.String
    assert part["note"].null_count() == 20
    assert part.sort("number").equals(lake.read("table").sort("number"))


def test_a_damaged_file_among_small_ones_is_one_clear_error(lake):
    lake.append("table", rows(2))
    (lake.table_path("table") / sorted(lake.files("table"))[0]).write_bytes(b"no table")
    with pytest.raises(EnvironmentFault):
        list(lake.read_added("table").parts)
