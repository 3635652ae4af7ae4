"""`mlops gc` lets go of what nobody needs, and of nothing else."""

import shutil
from datetime import timedelta
from types import SimpleNamespace

import msgspec
import polars as pl
import pytest

from mlops_lab.clock import now
from mlops_lab.errors import EnvironmentFault, Refused
from mlops_lab.lake import Lake, compaction
from mlops_lab.lake.retention import Retention
from mlops_lab.loop import collect
from mlops_lab.loop.collect import collect_garbage, find_garbage
from mlops_lab.loop.holds import place_hold, release_hold
from mlops_lab.loop.needed_versions import TableVersion, find_needed
from mlops_lab.project.owners import Role, take_role

AT_ONCE = Retention(timedelta(0), timedelta(0))


@pytest.fixture
def project(tmp_path, write_project, monkeypatch):
    monkeypatch.setattr(compaction, "_FILES", 4)
    return write_project(tmp_path)


@pytest.fixture
def lake(project):
    lake = Lake(project.lake_path)
    append(lake, range(6))
    return lake


def append(lake: Lake, numbers: range) -> None:
    for number in numbers:
        lake.append("stock", pl.DataFrame({"number": [number]}))


def register(project, version: int, *snapshots: tuple[str, int], folder: str = "package") -> SimpleNamespace:
    """The decision about a version that was trained on these."""
    package = project.root / folder
    package.mkdir(parents=True)
    lineage = {"snapshots": [{"table": table, "version": number} for table, number in snapshots]}
    (package / "lineage.json").write_bytes(msgspec.json.encode(lineage))
    return SimpleNamespace(version=version, evidence={"package": folder})


def everything(project, lake: Lake, decisions=()) -> None:
    """Twice: what the first one replaces is free for the second one."""
    for _ in range(2):
        collect_garbage(project, lake, decisions, retention=AT_ONCE)


def readable(lake: Lake) -> set[int]:
    found = set()
    for version in range(lake.version("stock")):
        try:
            assert sorted(lake.read("stock", version=version)["number"]) == list(range(version + 1))
        except EnvironmentFault:
            continue
        found.add(version)
    return found


def test_a_dry_run_tells_and_changes_nothing(project, lake):
    before = sorted(path for path in lake.path.rglob("*"))
    waste = find_garbage(project, lake, (), retention=AT_ONCE).tables["stock"]
    assert (waste.files, waste.small_files, waste.unneeded_files, waste.free_versions) == (6, 6, 0, ())
    assert sorted(path for path in lake.path.rglob("*")) == before


def test_small_files_are_put_together_and_what_they_replace_is_deleted(project, lake):
    everything(project, lake)
    folder = lake.table_path("stock")
    assert len(list(folder.glob("*.parquet"))) == len(lake.files("stock")) < 4
    assert len(list((folder / "_delta_log").glob("*.json"))) <= 2
    assert sorted(Lake(lake.path).read("stock")["number"]) == list(range(6))
    append(lake, range(6, 8))
    assert sorted(Lake(lake.path).read("stock")["number"]) == list(range(8))


def test_what_versions_holds_and_readers_need_stays_and_the_rest_goes(project, lake):
    decisions = [register(project, 1, ("stock", 1), ("gone", 4))]
    hold = place_hold(project, lake, "stock@2", now=now(), by="ann", reason="case 1")
    pinned = lake.pin()
    everything(project, lake, decisions)
    assert readable(lake) >= {1, 2}
    assert 3 not in readable(lake)
    assert sorted(pinned.read("stock")["number"]) == list(range(6))
    needed = find_needed(project, lake, decisions).needed
    assert needed[TableVersion("stock", 1)] == ["version 1"]
    assert needed[TableVersion("stock", 2)] == [f"hold {hold.hold}"]
    del pinned
    release_hold(lake, hold.hold, now=now(), by="ann", reason="closed")
    assert find_garbage(project, lake, decisions).tables["stock"].free_versions == (2,)
    everything(project, lake, decisions)
    assert 1 in readable(lake)
    assert 2 not in readable(lake)


def test_while_a_package_cannot_be_read_no_old_version_goes(project, lake):
    decisions = [register(project, 1, ("stock", 1))]
    everything(project, lake, decisions)
    shutil.move(project.root / "package", project.root / "elsewhere")
    assert find_needed(project, lake, decisions).unknown == [project.root / "package"]
    everything(project, lake, decisions)
    assert 1 in readable(lake)


def test_a_table_that_cannot_be_read_is_named_and_the_others_are_done(project, lake):
    append(lake, range(6, 8))
    lake.append("broken", pl.DataFrame({"number": [1]}))
    for commit in (lake.table_path("broken") / "_delta_log").glob("*.json"):
        commit.write_bytes(b"{nonsense")
    found = collect_garbage(project, Lake(lake.path), (), retention=AT_ONCE)
    assert isinstance(found.tables["broken"], EnvironmentFault)
    assert len(Lake(lake.path).files("stock")) < 4


def test_it_does_not_meet_a_loop_at_work(project, lake, monkeypatch):
    monkeypatch.setattr(collect, "_WAIT_SECONDS", 0.1)
    with take_role(project, Role.LOOP), pytest.raises(Refused, match="at work"):
        collect_garbage(project, lake, ())
