"""A lake in an object store: several machines commit to it at once, and nothing is lost, twice or half there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import s3_server as shared
from deltalake import DeltaTable
from polars.testing import assert_frame_equal
from s3_server import open_stored

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake, compaction
from mlops_lab.lake.erase import RowMatch, delete_rows, erase_pinned
from mlops_lab.lake.history import extend_history
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import collect, keep_small, write_checkpoint

NOTHING = Retention.__new__(Retention, Retention().files * 0, Retention().commits * 0)
OpenLake = Callable[[str], Lake]
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from s3_server import open_stored
import polars as pl

lake = open_stored(sys.argv[2], sys.argv[3])
for number in range(1, 4):
    rows = pl.DataFrame({"writer": [sys.argv[4]], "number": [number]})
    assert lake.append("rows", rows, position=(sys.argv[4], number))
    assert not lake.append("rows", rows, position=(sys.argv[4], number))
"""


@pytest.fixture
def machine(stored_uri: str, tmp_path: Path) -> OpenLake:
    """The lake as a machine of this name sees it."""
    return lambda name: open_stored(stored_uri, tmp_path / name)


def rows(*numbers: float) -> pl.DataFrame:
    return pl.DataFrame({"id": [f"id {number}" for number in numbers], "number": numbers})


def numbers(lake: Lake, version: int | None = None) -> list[float]:
    return sorted(lake.read("rows", version=version)["number"].to_list())


def test_what_one_machine_appends_the_other_reads_and_does_not_append_again(machine):
    one, other = machine("one"), machine("other")
    assert one.append("rows", rows(1, 2), position=("loop", 1))
    assert not other.append("rows", rows(1, 2), position=("loop", 1))
    assert other.append("rows", rows(3), position=("loop", 2))
    one.refresh()
    assert numbers(one) == numbers(other) == [1, 2, 3]
    assert one.position("rows", "loop") == 2


def test_a_column_that_gets_another_type_on_one_machine_has_it_on_all(machine):
    one, other = machine("one"), machine("other")
    one.append("rows", rows(1))
    other.append("rows", rows(0.5).with_columns(new=True))
    one.append("rows", rows(2))
    assert numbers(one) == [0.5, 1, 2]
    assert_frame_equal(machine("third").read("rows"), one.read("rows"))


def test_machines_that_append_at_the_same_time_lose_nothing(stored_uri, machine, tmp_path, s3):
    folder = str(Path(shared.__file__).parent)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, folder, stored_uri, str(tmp_path / name), name])
        for name in "abc"
    ]
    assert [process.wait(timeout=100) for process in writers] == [0, 0, 0]
    found = machine("reader").read("rows").sort("writer", "number")
    assert found.rows() == [(name, number) for name in "abc" for number in range(1, 4)]


def test_the_copy_is_fetched_again_whatever_became_of_it(machine, tmp_path):
    lake = machine("one")
    for number in range(3):
        lake.append("rows", rows(number))
    write_checkpoint(lake, "rows")
    lake.append("rows", rows(3))
    shutil.rmtree(tmp_path / "one" / "lake")
    assert numbers(machine("one")) == [*range(4)]
    folder = lake.table_path("rows")
    next(folder.glob("*.parquet")).write_bytes(b"")
    lake.commits.mirror.drop_copy("rows")
    assert numbers(machine("one")) == [*range(4)]


def test_upkeep_keeps_old_versions_that_are_needed_readable_everywhere(machine, monkeypatch):
    monkeypatch.setattr(compaction, "_FILES", 3)
    lake, other = machine("one"), machine("other")
    for number in range(6):
        lake.append("rows", rows(number))
    other.refresh()
    assert keep_small(lake, "rows", pinned=lambda: [2], retention=NOTHING)
    collect(lake, "rows", needed=[2], retention=NOTHING)
    stored = {item.path for item in lake.commits.mirror.store.objects("rows")}
    here = {path.relative_to(lake.path).as_posix() for path in lake.table_path("rows").rglob("*") if path.is_file()}
    assert stored == here
    other.refresh()
    other.commits.mirror.prune("rows", kept=())
    assert len(list(other.table_path("rows").glob("*.parquet"))) == len(list(lake.table_path("rows").glob("*.parquet")))
    for reader in (lake, other, machine("new")):
        assert numbers(reader) == [*range(6)]
        assert numbers(reader, 2) == [*range(3)]


def test_erased_rows_are_nowhere_and_no_commit_tells_whose_they_were(machine):
    lake, other = machine("one"), machine("other")
    lake.append("rows", rows(1, 2))
    lake.append("rows", rows(3))
    extend_history(lake.table_path("rows"), pinned=[0])
    match = RowMatch(columns=("id",), value="id 2")
    delete_rows(lake, "rows", match)
    erase_pinned(lake, "rows", match)
    collect(lake, "rows", needed=[0], retention=NOTHING)
    other.refresh()
    other.commits.mirror.prune("rows", kept=())
    assert numbers(other) == [1, 3]
    assert numbers(other, 0) == [1]
    for item in lake.commits.mirror.store.objects():
        assert b"id 2" not in lake.commits.mirror.store.read(item.path).data
    assert not any(b"id 2" in path.read_bytes() for path in other.path.rglob("*") if path.is_file())


def test_a_store_that_is_away_is_said_and_the_append_is_made_when_it_is_back(s3, machine):
    lake = machine("one")
    lake.append("rows", rows(1), position=("loop", 1))
    for how in ("503", "403"):
        s3.fail(how)
        with pytest.raises(EnvironmentFault, match=how):
            lake.append("rows", rows(2), position=("loop", 2))
        assert numbers(lake) == [1], "it can still be read"
    s3.fail("slow")
    began = time.perf_counter()
    assert lake.append("rows", rows(2), position=("loop", 2))
    assert time.perf_counter() - began > 0.4
    s3.fail("")
    assert numbers(machine("other")) == [1, 2]


def test_commits_in_the_store_are_those_of_any_delta_table(machine):
    lake = machine("one")
    lake.append("rows", rows(1))
    lake.append("rows", rows(2))
    found = DeltaTable(f"{lake.commits.mirror.store.uri}/rows", storage_options=lake.commits.mirror.store.delta_options)
    assert sorted(pl.DataFrame(found.scan())["number"]) == [1, 2]
    commit = lake.commits.mirror.store.read("rows/_delta_log/00000000000000000001.json").data
    assert any("add" in json.loads(line) for line in commit.splitlines())
