"""The id indexes hold what the log holds, after each intake, whatever happened to them or to the log."""

from __future__ import annotations

import shutil
from datetime import timedelta

import polars as pl
import pytest
from one_of_each import AT, ids, write

from mlops_lab.clock import to_micros
from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake import logged_ids
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.outcomes.id_index import LoggedIds


def logged(small) -> LoggedIds:
    return LoggedIds(small.project.ids_path)


def check(small) -> LoggedIds:
    """The index has just the ids of the lake, each with its moment."""
    found = logged(small)
    for table, index in (("predictions", found.predictions), ("outcomes", found.outcomes)):
        time = "at" if table == "predictions" else "known_at"
        rows = small.lake.read(table)
        assert len(index) == rows.height
        for name, moment in rows.select("id", time).iter_rows():
            assert to_micros(moment) in [entry.moment for entry in index.find(name)]
        assert "nobody" not in index
    return found


def test_what_is_added_to_the_log_is_added_to_the_index(small):
    assert len(logged(small).predictions) == 0
    for name in "abc":
        write(small.project, name, f"{name}2")
        ingest_journal(small.project, small.lake)
        check(small)
    found = check(small)
    assert found.has_outcome("a", {"minutes": 20.0, "late": True})
    assert not found.has_outcome("a", {"minutes": 20.0, "late": False})
    assert not found.has_outcome("nobody", {"minutes": 20.0, "late": True})


def test_a_server_sees_what_was_added_when_it_looks_again(small):
    write(small.project, "a")
    ingest_journal(small.project, small.lake)
    found = logged(small)
    write(small.project, "b")
    ingest_journal(small.project, small.lake)
    assert "a" in found.predictions  # its file was merged, and is still mapped
    assert "b" not in found.predictions
    found.refresh()
    assert "a" in found.predictions
    assert "b" in found.predictions


@pytest.mark.parametrize("damage", ["gone", "cut", "no manifest", "older"])
def test_it_is_made_again_from_the_lake(small, damage, tmp_path):
    write(small.project, "a")
    ingest_journal(small.project, small.lake)
    path = small.project.ids_path
    shutil.copytree(path, tmp_path / "older")
    write(small.project, "b")
    ingest_journal(small.project, small.lake)
    (file,) = (path / "predictions").glob("*.ids")
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif damage == "no manifest":
        (path / "predictions" / "manifest.json").unlink()
    else:
        shutil.rmtree(path)
        shutil.copytree(tmp_path / "older", path)
    write(small.project, "c")
    ingest_journal(small.project, small.lake)
    check(small)
    assert len([*(path / "predictions").glob("*.ids")]) == 1  # nothing is left behind


def test_a_lake_that_was_restored_has_its_own_index(small, tmp_path):
    write(small.project, "a")
    ingest_journal(small.project, small.lake)
    shutil.copytree(small.lake.path, tmp_path / "lake")
    write(small.project, "b")
    ingest_journal(small.project, small.lake)
    shutil.rmtree(small.lake.path)
    shutil.copytree(tmp_path / "lake", small.lake.path)
    shutil.rmtree(small.project.journal_path)
    lake = Lake(small.lake.path)
    ingest_journal(small.project, lake)
    assert ids(lake) == ["a"]
    assert "b" not in logged(small).predictions
    assert "a" in logged(small).predictions


def test_a_damaged_file_leaves_the_others_indexed(small):
    for name in "ab":
        write(small.project, name)
        ingest_journal(small.project, small.lake)
    shutil.rmtree(small.project.ids_path)
    file = sorted(small.lake.files("predictions"))[0]
    (small.lake.table_path("predictions") / file).write_bytes(b"no table")
    write(small.project, "c")
    ingest_journal(small.project, small.lake)
    assert len(logged(small).predictions) == 2
    assert "c" in logged(small).predictions


def test_many_are_merged_into_few_files(small, monkeypatch):
    write(small.project, "a")
    ingest_journal(small.project, small.lake)
    monkeypatch.setattr(logged_ids, "_LEVELS", (8, 32, 64))
    monkeypatch.setattr(logged_ids, "_SLICE_ENTRIES", 5)
    numbers = iter(range(10_000))
    for height in (1, 3, 9, 2, 40, 1, 1, 30, 70, 5, 5, 5, 5, 64, 2):
        names = [str(next(numbers)) for _ in range(height)]
        moments = [AT + timedelta(hours=int(name)) for name in names]
        small.lake.append("predictions", pl.DataFrame({"id": names, "at": moments}), time="at")
        logged_ids.index_ids(small.project, small.lake)
    found = check(small)
    assert len(found.predictions) == 1 + sum((1, 3, 9, 2, 40, 1, 1, 30, 70, 5, 5, 5, 5, 64, 2))
    assert len([*(small.project.ids_path / "predictions").glob("*.ids")]) <= 6


def test_a_folder_that_cannot_be_written_is_one_clear_error(small):
    write(small.project, "a")
    small.project.ids_path.parent.mkdir(exist_ok=True)
    small.project.ids_path.write_text("no folder")
    with pytest.raises(EnvironmentFault) as caught:
        ingest_journal(small.project, small.lake)
    assert caught.value.where == str(small.project.ids_path)
    small.project.ids_path.unlink()
    ingest_journal(small.project, small.lake)
    check(small)
