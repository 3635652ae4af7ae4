"""A damaged table: which files cannot be read is named, and the others are read."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.lake.damage import check_files, past_columns, read_readable


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path)
    for number in range(3):
        lake.append("log", pl.DataFrame({"id": [f"{number}a", f"{number}b"], "x": [float(number)] * 2}))
    return lake


def files(lake: Lake) -> list[Path]:
    return sorted(lake.table_path("log").glob("*.parquet"))


def test_the_files_are_those_of_the_tables_log(lake):
    assert {file.name: file.stat().st_size for file in files(lake)} == {
        name: file.size_bytes for name, file in lake.files("log").items()
    }
    assert [file.rows for file in lake.files("log").values()] == [2, 2, 2]


def test_a_whole_table_has_no_damage(lake):
    assert check_files(lake, "log") == []
    rows, damaged = read_readable(lake, "log")
    assert (rows.height, damaged) == (6, [])


def test_a_file_that_is_gone_is_named_and_the_others_are_read(lake):
    gone = files(lake)[1]
    gone.unlink()
    assert [(item.table, item.file, item.reason) for item in check_files(lake, "log")] == [
        ("log", gone.name, "it is gone")
    ]
    rows, damaged = read_readable(Lake(lake.path), "log")
    assert (rows.height, [item.file for item in damaged]) == (4, [gone.name])


def test_a_file_that_was_cut_is_named_by_its_size(lake):
    cut = files(lake)[0]
    cut.write_bytes(cut.read_bytes()[:100])
    (damaged,) = check_files(lake, "log")
    assert (damaged.file, damaged.reason.startswith("it has 100 bytes instead of ")) == (cut.name, True)
    assert read_readable(lake, "log")[0].height == 4


def test_a_file_with_another_content_is_found_when_it_is_read(lake):
    file = files(lake)[2]
    file.write_bytes(b"\0" * file.stat().st_size)
    assert check_files(lake, "log") == []
    rows, damaged = read_readable(lake, "log")
    assert (rows.height, rows.columns, [item.file for item in damaged]) == (4, ["id", "x"], [file.name])


def test_a_table_whose_own_log_is_damaged(lake):
    for entry in (lake.table_path("log") / "_delta_log").glob("*.json"):
        entry.write_text("{no json")
    fresh = Lake(lake.path)
    (damaged,) = check_files(fresh, "log")
    assert (damaged.table, damaged.file) == ("log", None)
    rows, same = read_readable(fresh, "log")
    assert (rows.height, same) == (0, [damaged])
    shutil.rmtree(lake.table_path("log"))


def test_the_columns_that_a_table_had_once(lake):
    assert past_columns(lake, "log") == {"id", "x"}
    path = str(lake.table_path("log"))
    changed = pl.read_delta(path).drop("x").with_columns(y=pl.lit(1))
    changed.write_delta(path, mode="overwrite", delta_write_options={"schema_mode": "overwrite"})
    assert past_columns(lake, "log") == {"id", "x", "y"}
    assert past_columns(lake, "elsewhere") == set()
