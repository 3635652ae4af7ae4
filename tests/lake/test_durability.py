"""What is committed is on the disk when an append returns, and a commit that is half there is undone as a whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.lake.compaction import put_together
from mlops_lab.lake.durability import holds_no_rows, incomplete_tables, undo_incomplete

ROWS = [pl.DataFrame({"id": [f"{batch}-{number}" for number in range(3)], "n": [1, 2, 3]}) for batch in range(30)]

OTHER = pl.DataFrame({"id": ["other"], "n": [1.5]})
"""Rows of another type: the table is written anew first."""


def append(lake: Lake, batches: range) -> None:
    for batch in batches:
        lake.append("rows", ROWS[batch], position=("journal", batch + 1))


def make(path: Path, batches: int) -> Lake:
    lake = Lake(path / "lake")
    append(lake, range(batches))
    return lake


def commit_file(lake: Lake, version: int) -> Path:
    return lake.table_path("rows") / "_delta_log" / f"{version:020d}.json"


def undo(lake: Lake) -> Lake:
    """Undo what is incomplete, as the next process does, which finds nothing more to undo."""
    assert incomplete_tables(lake.path).keys() == {"rows"}
    undo_incomplete(lake.table_path("rows"), aside=lake.path.parent / "aside")
    assert incomplete_tables(lake.path) == {}
    return Lake(lake.path)


def check(lake: Lake, batches: int) -> None:
    """The table holds so many batches, and the others are appended again, each once."""
    held = lake.read("rows")["id"].to_list() if lake.exists("rows") else []
    assert sorted(held) == sorted(name for batch in ROWS[:batches] for name in batch["id"])
    assert lake.position("rows", "journal") == batches
    append(lake, range(batches + 3))
    assert lake.read("rows").height == 3 * (batches + 3)


@pytest.mark.parametrize("how", ["gone", "empty", "short", "zeros"])
@pytest.mark.parametrize(("batches", "lost"), [(1, 1), (2, 1), (2, 2), (5, 2), (23, 1), (25, 5)])
def test_commits_without_their_files_are_undone(tmp_path, how, batches, lost):
    lake = make(tmp_path, batches)
    files = [lake.table_path("rows") / file for file in lake.files("rows")]
    for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)[batches - lost :]:
        size = file.stat().st_size
        if how == "gone":
            file.unlink()
        else:
            os.truncate(file, 0 if how != "short" else size - 1)
            os.truncate(file, size if how == "zeros" else file.stat().st_size)
    check(undo(lake), batches - lost)


@pytest.mark.parametrize("content", [b"", b'{"commitInfo":{}}\n{"add', b"\0" * 300])
@pytest.mark.parametrize("batches", [2, 20, 21])
def test_a_commit_that_cannot_be_read_is_set_aside(tmp_path, content, batches):
    lake = make(tmp_path, batches)
    commit_file(lake, batches - 1).write_bytes(content)
    check(undo(lake), batches - 1)
    assert any((tmp_path / "aside").iterdir())


@pytest.mark.parametrize("content", [b"", b"\0" * 300])
def test_a_table_whose_first_commit_was_never_written_is_none(tmp_path, content):
    lake = make(tmp_path, 1)
    commit_file(lake, 0).write_bytes(content)
    check(undo(lake), 0)


def test_a_first_commit_that_holds_something_else_is_damage(tmp_path):
    lake = make(tmp_path, 1)
    commit_file(lake, 0).write_text("{ nothing")
    assert incomplete_tables(lake.path) == {}


def test_a_table_that_must_not_vanish_stays_as_it_is(tmp_path):
    lake = make(tmp_path, 1)
    (file,) = lake.files("rows")
    (lake.table_path("rows") / file).unlink()
    assert incomplete_tables(lake.path, kept=["rows"]) == {}
    assert incomplete_tables(lake.path) == {"rows": [file]}


def test_a_commit_of_positions_alone_is_undone_with_the_one_before(tmp_path):
    lake = make(tmp_path, 3)
    (last,) = {*lake.files("rows")} - {*make(tmp_path / "other", 2).files("rows")} & {
        max(lake.files("rows"), key=lambda file: (lake.table_path("rows") / file).stat().st_mtime_ns)
    }
    lake.append("rows", ROWS[0].clear(), also=[("journal", 7), ("more", 2)])
    (lake.table_path("rows") / last).unlink()
    lake = undo(lake)
    assert lake.position("rows", "more") == 0
    check(lake, 2)


def test_a_table_written_anew_is_undone_to_what_it_was(tmp_path):
    lake = make(tmp_path, 3)
    before = {*lake.files("rows")}
    lake.append("rows", OTHER)  # of another type: the table is written anew first
    for file in {*lake.files("rows")} - before:
        (lake.table_path("rows") / file).unlink()
    check(undo(lake), 3)


def test_a_file_that_somebody_deletes_undoes_nothing_that_came_after_it(tmp_path):
    """That is damage, which the check of the log tells."""
    lake = make(tmp_path, 5)
    first = min(lake.files("rows"), key=lambda file: (lake.table_path("rows") / file).stat().st_mtime_ns)
    (lake.table_path("rows") / first).unlink()
    assert incomplete_tables(lake.path) == {}


def test_a_process_that_has_the_table_open_goes_on(tmp_path):
    lake = make(tmp_path, 3)
    last = max(lake.files("rows"), key=lambda file: (lake.table_path("rows") / file).stat().st_mtime_ns)
    (lake.table_path("rows") / last).unlink()
    undo(lake)
    check(lake, 2)


@pytest.mark.parametrize("rewritten", [False, True])
def test_an_append_syncs_files_and_folders_before_it_returns(tmp_path, monkeypatch, rewritten):
    lake = make(tmp_path, 20)
    synced: list[Path] = []
    fsync = os.fsync

    def note(file: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{file}")))
        fsync(file)

    before = {*lake.table_path("rows").rglob("*")}
    monkeypatch.setattr(os, "fsync", note)
    lake.append("rows", OTHER if rewritten else ROWS[20], position=("journal", 21))
    new = {*lake.table_path("rows").rglob("*")} - before
    assert len(new) == 2 + 2 * rewritten
    assert {path.resolve() for path in new} <= {*synced}
    log = lake.table_path("rows") / "_delta_log"
    last_files = max(index for index, path in enumerate(synced) if path.suffix == ".parquet" and path.parent != log)
    assert {lake.table_path("rows"), log} <= {*synced[last_files:]}


def test_all_tables_are_synced_whoever_wrote_them(tmp_path, monkeypatch):
    lake = make(tmp_path, 25)
    shutil.copytree(lake.table_path("rows"), lake.path / "more")
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(Path(os.readlink(f"/proc/self/fd/{file}"))))
    Lake(lake.path).sync()
    assert {*lake.path.rglob("*"), lake.path} <= {*synced}


@pytest.mark.parametrize("appended", [0, 1])
def test_files_that_were_put_together_and_did_not_reach_the_disk_are_undone(tmp_path, appended):
    lake = make(tmp_path, 5)
    mark = lake.read_added("rows").mark
    if appended:
        append(lake, range(6))
    put_together(lake.commits, "rows", size_bytes=2**20)
    (file,) = lake.files("rows")
    os.truncate(lake.table_path("rows") / file, 0)
    assert holds_no_rows(lake.table_path("rows"))
    after = undo(lake)
    added = after.read_added("rows", mark)
    assert sum(part.height for part in added.parts) == (3 * (5 + appended) if added.is_whole else 3 * appended)
    check(after, 5 + appended)


def test_an_append_and_what_was_put_together_after_it_are_undone_as_a_whole(tmp_path):
    lake = make(tmp_path, 5)
    files = {*lake.files("rows")}
    append(lake, range(6))
    (newest,) = {*lake.files("rows")} - files
    put_together(lake.commits, "rows", size_bytes=2**20)
    for file in (newest, *lake.files("rows")):
        (lake.table_path("rows") / file).unlink()
    assert not holds_no_rows(lake.table_path("rows"))
    check(undo(lake), 5)
