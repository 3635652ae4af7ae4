"""What is deleted is not needed, and was replaced long enough ago."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.lake.compaction import put_together
from mlops_lab.lake.durability import commits_of
from mlops_lab.lake.retention import Retention, delete_unneeded, old_commits, version_before


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    append(lake, 50)
    return lake


def append(lake: Lake, count: int) -> None:
    for _ in range(count):
        number = lake.position("rows", "journal") + 1
        lake.append("rows", pl.DataFrame({"number": [number]}), position=("journal", number))


def make_older(path: Path, age: timedelta) -> None:
    at = path.stat().st_mtime - age.total_seconds()
    os.utime(path, (at, at))


def age(lake: Lake, versions: range, hours: float) -> None:
    for path in (lake.table_path("rows") / "_delta_log").iterdir():
        if path.name[:20].isdigit() and int(path.name[:20]) in versions:
            make_older(path, timedelta(hours=hours))


def clean(lake: Lake) -> None:
    folder, retention = lake.table_path("rows"), Retention()
    commits = old_commits(folder, retention)
    delete_unneeded(lake.commits, "rows", current=lake.files("rows"), pinned=(), commits=commits, retention=retention)


def versions(lake: Lake) -> list[int]:
    return [int(commit.stem) for commit in commits_of(lake.table_path("rows"))]


def test_commits_before_an_old_checkpoint_are_deleted(lake):
    age(lake, range(45), 7)
    clean(lake)
    assert versions(lake) == [*range(39, 50)]
    again = Lake(lake.path)
    assert sorted(again.read("rows")["number"]) == [*range(1, 51)]
    assert sorted(again.read("rows", version=42)["number"]) == [*range(1, 44)]
    assert again.position("rows", "journal", version=39) == 40


def test_commits_of_the_last_hours_stay(lake):
    age(lake, range(45), 5)
    clean(lake)
    assert versions(lake) == [*range(50)]


def test_a_checkpoint_that_is_half_there_is_none(lake):
    age(lake, range(45), 7)
    checkpoint = lake.table_path("rows") / "_delta_log" / f"{39:020d}.checkpoint.parquet"
    os.truncate(checkpoint, 100)
    make_older(checkpoint, timedelta(hours=7))
    clean(lake)
    assert versions(lake) == [*range(19, 50)]


def test_a_process_with_the_table_open_sees_what_was_added(lake):
    other = Lake(lake.path)
    assert other.read("rows").height == 50
    opened = lake.open_table("rows", version=30)
    age(lake, range(50), 7)
    clean(lake)
    append(Lake(lake.path), 30)
    age(lake, range(80), 7)
    clean(Lake(lake.path))
    assert versions(lake)[0] > 50
    assert (other.read("rows").height, other.position("rows", "journal")) == (80, 80)
    append(other, 5)
    opened.update_incremental()
    assert opened.version() == 84


def test_files_that_were_put_together_stay_for_an_hour(lake):
    folder = lake.table_path("rows")
    old = lake.read("rows", version=49)
    put_together(lake.commits, "rows", size_bytes=2**20)
    files = {*folder.glob("*.parquet")}
    for path in files:
        make_older(path, timedelta(hours=3))
    clean(lake)
    assert {*folder.glob("*.parquet")} == files
    assert lake.read("rows", version=49).equals(old)
    age(lake, range(51), 2)
    clean(lake)
    assert {path.name for path in folder.glob("*.parquet")} == {*lake.files("rows")}
    assert sorted(Lake(lake.path).read("rows")["number"]) == [*range(1, 51)]


def test_what_a_killed_append_left_is_deleted_and_what_one_at_work_writes_is_not(lake):
    folder = lake.table_path("rows")
    left, new = folder / "left.parquet", folder / "new.parquet"
    for path in (left, new):
        path.write_bytes(b"PAR1")
    make_older(left, timedelta(hours=2))
    clean(lake)
    assert (left.exists(), new.exists()) == (False, True)


def test_the_version_of_some_time_ago(lake):
    folder = lake.table_path("rows")
    assert version_before(folder, timedelta(hours=1)) is None
    age(lake, range(31), 2)
    assert version_before(folder, timedelta(hours=1)) == 30


@pytest.mark.parametrize("deleted", [1, 7, 25, 40])
def test_a_deletion_that_is_interrupted_leaves_only_versions_that_can_be_read(lake, deleted):
    age(lake, range(45), 7)
    for path in old_commits(lake.table_path("rows"), Retention())[:deleted]:
        path.unlink()
    for version in versions(lake):
        assert Lake(lake.path).read("rows", version=version).height == version + 1
