"""The copy of a lake in an object store: how it begins, with or without tables on either side, and how it ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from s3_server import open_stored

from mlops_lab.errors import EnvironmentFault, Refused
from mlops_lab.lake import Lake, copy_notes
from mlops_lab.lake.copy_notes import end_copy, fetched_seconds_ago, is_copy, machine_id, note_away, read_away
from mlops_lab.lake.durability import sync_table
from mlops_lab.lake.history import extend_history
from mlops_lab.lake.mirror import Mirror
from mlops_lab.lake.object_store import ObjectStore
from mlops_lab.lake.upkeep import write_checkpoint


def filled(folder: Path, *, appends: int = 4) -> Lake:
    lake = Lake(folder / "lake")
    for number in range(appends):
        lake.append("rows", pl.DataFrame({"number": [number]}), position=("loop", number + 1))
    return lake


def test_a_folder_of_tables_is_moved_to_a_store_with_its_old_versions(stored_uri, tmp_path):
    local = filled(tmp_path / "one")
    write_checkpoint(local, "rows")
    extend_history(local.table_path("rows"), pinned=[1])
    assert not is_copy(local.path)
    moved = open_stored(stored_uri, tmp_path / "one")
    assert is_copy(moved.path)
    assert moved.append("rows", pl.DataFrame({"number": [99]}), position=("loop", 5))
    elsewhere = open_stored(stored_uri, tmp_path / "two")
    assert sorted(elsewhere.read("rows")["number"]) == [*range(4), 99]
    assert elsewhere.read("rows", version=1).height == 2
    assert elsewhere.position("rows", "loop") == 5


def test_a_move_that_was_interrupted_goes_on(stored_uri, tmp_path):
    local = filled(tmp_path / "one", appends=4)
    store = ObjectStore(stored_uri)
    commits = sorted((local.table_path("rows") / "_delta_log").glob("*.json"))
    for path in [*local.table_path("rows").glob("*.parquet"), *commits[:2]]:
        store.write(path.relative_to(local.path).as_posix(), path.read_bytes())
    assert open_stored(stored_uri, tmp_path / "one").read("rows").height == 4
    assert open_stored(stored_uri, tmp_path / "two").read("rows").height == 4


def test_an_older_copy_of_the_same_tables_catches_up(stored_uri, tmp_path):
    filled(tmp_path / "one", appends=3)
    shutil.copytree(tmp_path / "one", tmp_path / "backup")
    lake = open_stored(stored_uri, tmp_path / "one")
    lake.append("rows", pl.DataFrame({"number": [3]}))
    restored = open_stored(stored_uri, tmp_path / "backup")
    assert restored.read("rows").height == 4


def test_two_lakes_that_have_nothing_to_do_with_each_other_are_refused(stored_uri, tmp_path):
    filled(tmp_path / "one", appends=2)
    open_stored(stored_uri, tmp_path / "one")
    stored = {item.path for item in ObjectStore(stored_uri).objects()}
    other = filled(tmp_path / "other", appends=3)
    with pytest.raises(Refused, match='the store holds another table "rows"') as caught:
        open_stored(stored_uri, tmp_path / "other")
    assert caught.value.hint
    assert {item.path for item in ObjectStore(stored_uri).objects()} == stored
    assert not is_copy(other.path)
    assert other.read("rows").height == 3


def test_a_copy_becomes_a_lake_of_its_own(stored_uri, tmp_path):
    lake = open_stored(stored_uri, tmp_path / "one")
    lake.append("rows", pl.DataFrame({"number": [1]}))
    lake.commits.mirror.store.delete([item.path for item in lake.commits.mirror.store.objects()])
    sync_table(lake.table_path("rows"), lake.files("rows"))
    end_copy(lake.path)
    assert not is_copy(lake.path)
    own = Lake(lake.path)
    assert own.append("rows", pl.DataFrame({"number": [2]}))
    assert own.read("rows").height == 2


def test_a_folder_that_is_copied_is_another_machine(tmp_path):
    one = machine_id(tmp_path / "one" / "lake")
    assert machine_id(tmp_path / "one" / "lake") == one
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert machine_id(tmp_path / "two" / "lake") != one


def test_files_that_others_deleted_go_once_an_hour_but_not_what_is_read(stored_uri, tmp_path):
    lake = open_stored(stored_uri, tmp_path / "one")
    for number in range(3):
        lake.append("rows", pl.DataFrame({"number": [number]}))
    gone, read, _ = sorted(lake.files("rows"))
    lake.commits.mirror.store.delete([f"rows/{gone}", f"rows/{read}"])
    lake.commits.prune(lambda _: {read})
    assert not (lake.table_path("rows") / gone).exists()
    assert (lake.table_path("rows") / read).exists()
    lake.commits.prune(lambda _: ())
    assert (lake.table_path("rows") / read).exists(), "not yet"
    lake.commits.mirror.prune("rows", kept=())
    assert not (lake.table_path("rows") / read).exists()


def test_it_is_noted_since_when_the_store_is_away(stored_uri, tmp_path):
    lake = open_stored(stored_uri, tmp_path / "one")
    assert read_away(lake.path) is None
    note_away(lake.path, "the store does not answer")
    first = read_away(lake.path)
    note_away(lake.path, "the store still does not answer")
    assert read_away(lake.path) == first
    mirror = Mirror(ObjectStore(stored_uri), lake.path)
    mirror.fetch_all()
    assert read_away(lake.path) is None
    assert fetched_seconds_ago(mirror.lake) < 60


def test_what_a_power_cut_has_damaged_is_fetched_again_after_the_start(stored_uri, tmp_path, monkeypatch):
    lake = open_stored(stored_uri, tmp_path / "one")
    for number in range(4):
        lake.append("rows", pl.DataFrame({"number": [number]}), position=("loop", number + 1))
    table = lake.table_path("rows")
    before = {path: path.read_bytes() for path in table.rglob("*") if path.is_file()}
    files, commits = sorted(table.glob("*.parquet")), sorted((table / "_delta_log").glob("*.json"))
    files[0].write_bytes(b"")
    files[1].unlink()
    commits[1].write_bytes(b"")
    commits[2].unlink()
    monkeypatch.setattr(copy_notes, "_BOOT_ID", tmp_path / "boot")
    (tmp_path / "boot").write_text("another")
    started = open_stored(stored_uri, tmp_path / "one")
    started.refresh()
    assert sorted(started.read("rows")["number"]) == [*range(4)]
    assert started.position("rows", "loop") == 4
    assert {path: path.read_bytes() for path in before} == before
    files[0].write_bytes(b"")
    started.refresh()
    assert files[0].read_bytes() == b"", "it is looked for once after each start"


def test_a_copy_that_cannot_be_written_is_an_error_that_says_where(stored_uri, tmp_path):
    open_stored(stored_uri, tmp_path / "one").append("rows", pl.DataFrame({"number": [1]}))
    (tmp_path / "two/lake").mkdir(parents=True)
    (tmp_path / "two/lake/rows").write_text("a file where a folder should be")
    with pytest.raises(EnvironmentFault) as caught:
        open_stored(stored_uri, tmp_path / "two").refresh()
    assert caught.value.code == "disk_fault"
