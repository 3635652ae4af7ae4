"""Leases: what a process reads stays, and what a process that has ended has read does not."""

import gc
import subprocess
import sys
import time
from datetime import timedelta

import polars as pl
import pytest

from mlops_lab.errors import NotFound
from mlops_lab.lake import Lake, compaction, retention
from mlops_lab.lake.leases import leased_files, leased_tables
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import keep_small

AT_ONCE = Retention(timedelta(0), timedelta(0))
HOLDER = """
import sys
from pathlib import Path
from mlops_lab.lake import Lake
pinned = Lake(Path(sys.argv[1])).pin()
print("pinned", flush=True)
sys.stdin.read()
"""


def append(lake: Lake, *numbers: int) -> None:
    for number in numbers:
        lake.append("rows", pl.DataFrame({"number": [number]}))


def test_a_pinned_lake_is_as_it_was_whatever_is_added(tmp_path):
    lake = Lake(tmp_path / "lake")
    append(lake, 1, 2)
    pinned = lake.pin()
    append(lake, 3)
    lake.append("others", pl.DataFrame({"number": [1]}))
    assert sorted(pinned.read("rows")["number"]) == [1, 2]
    assert (pinned.version("rows"), pinned.snapshot("rows").rows, len(pinned.files("rows"))) == (1, 2, 2)
    assert pinned.tables() == ["rows"]
    assert not pinned.exists("others")
    with pytest.raises(NotFound):
        pinned.read("others")
    assert pinned.pin() is pinned
    with pytest.raises(AssertionError):
        append(pinned, 4)
    assert sorted(lake.read("rows")["number"]) == [1, 2, 3]


def test_what_is_read_is_not_deleted_until_its_reader_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(compaction, "_FILES", 4)
    monkeypatch.setattr(retention, "_COMMITS_AT_ONCE", 1)
    lake = Lake(tmp_path / "lake")
    append(lake, *range(5))
    pinned = lake.pin()
    files = {*pinned.files("rows")}
    assert leased_files(lake.path, "rows") == files
    for number in range(30):  # the checkpoint after the twentieth commit lets commits before it go
        append(lake, number)
        keep_small(lake, "rows", pinned=lambda: (), retention=AT_ONCE)
    assert not (lake.table_path("rows") / "_delta_log" / f"{4:020d}.json").exists()
    assert sorted(pinned.read("rows")["number"]) == list(range(5))
    del pinned
    gc.collect()
    assert leased_tables(lake.path) == []
    append(lake, *range(8))
    keep_small(lake, "rows", pinned=lambda: (), retention=AT_ONCE)
    assert not files & {path.name for path in lake.table_path("rows").glob("*.parquet")}


def test_the_lease_of_a_killed_process_means_nothing(tmp_path):
    lake = Lake(tmp_path / "lake")
    append(lake, 1)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lake.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"pinned\n"
    assert [(name, leased.version) for name, leased in leased_tables(lake.path)] == [("rows", 0)]
    holder.kill()
    holder.wait()
    end = time.monotonic() + 5
    while leased_tables(lake.path) and time.monotonic() < end:
        time.sleep(0.02)
    assert leased_tables(lake.path) == []
    assert list((tmp_path / "leases").iterdir()) == []
