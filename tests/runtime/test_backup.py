"""Backups: wrong input is refused before anything is written, and what is restored is what was backed up."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake
from mlops_lab.lake.durability import incomplete_tables
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import keep_small
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import check_chain, read_entries, read_head, write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.runtime.backup import MANIFEST, make_backup
from mlops_lab.runtime.restore import restore_backup
from mlops_lab.tables.open_lake import open_lake


@pytest.fixture
def project(tiny, tmp_path: Path) -> Project:
    """A project with tables, a journal, a database, a link, a token, and what is not worth a backup."""
    project = load_project(Path(shutil.copytree(tiny.project.root, tmp_path / "project")))
    lake = open_lake(project)
    for number in range(25):
        lake.append("notes", pl.DataFrame({"id": [number]}), position=("me", number + 1))
    with closing(Journal(project.journal_path)) as journal:
        journal.append([b"a frame"])
    (project.home / "token").touch(mode=0o600)
    (project.home / "server.json").write_text("{}")
    (project.home / "mlflow").mkdir()
    with closing(sqlite3.connect(project.home / "mlflow" / "mlflow.db")) as database:
        database.execute("create table runs (id)")
        database.commit()
    (project.root / "elsewhere").symlink_to(tmp_path)
    return project


def test_what_is_restored_is_what_was_backed_up(project: Project, tmp_path: Path) -> None:
    made = make_backup(project, tmp_path / "backup")
    assert restore_backup(tmp_path / "backup", tmp_path / "restored") == made
    restored = load_project(tmp_path / "restored")
    assert restored.settings == project.settings
    assert (restored.root / "pipeline.py").read_bytes() == project.pipeline_path.read_bytes()
    lake, before = Lake(restored.lake_path), Lake(project.lake_path)
    assert lake.tables() == before.tables()
    assert all(lake.read(name).equals(before.read(name)) for name in lake.tables())
    assert lake.position("notes", "me") == 25
    assert (restored.home / "token").stat().st_mode == (project.home / "token").stat().st_mode
    with closing(sqlite3.connect(restored.home / "mlflow" / "mlflow.db")) as database:
        assert database.execute("select count(*) from runs").fetchone() == (0,)
    assert os.readlink(restored.root / "elsewhere") == str(tmp_path)
    assert not (restored.home / "server.json").exists()
    assert not list(restored.root.rglob("*.lock"))
    files = {path.name: path.read_bytes() for path in project.journal_path.iterdir() if path.suffix}
    assert {path.name: path.read_bytes() for path in restored.journal_path.iterdir()} == files


def test_the_chain_of_decisions_is_whole_in_what_is_restored(project: Project, tmp_path: Path) -> None:
    lake = Lake(project.lake_path)
    decision = Decision(datetime(2013, 3, 1, tzinfo=UTC), DecisionKind.RETRAIN, None, "asked", "", "ada")
    assert all(write_decision(lake, decision, earlier=number) for number in range(3))
    make_backup(project, tmp_path / "backup")
    restore_backup(tmp_path / "backup", tmp_path / "restored")
    restored = Lake(tmp_path / "restored" / ".mlops" / "lake")
    assert read_head(restored) == read_head(lake)
    assert check_chain(restored, read_entries(restored)) == []


def test_a_table_is_backed_up_at_one_version(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is appended while it is copied."""
    copy, lake = shutil.copy2, Lake(project.lake_path)
    appended = []

    def append_and_copy(source: Path, target: Path, **options: bool) -> object:
        if "notes" in str(source) and len(appended) < 30:
            appended.append(lake.append("notes", pl.DataFrame({"id": [0]})))
        return copy(source, target, **options)

    monkeypatch.setattr(shutil, "copy2", append_and_copy)
    make_backup(project, tmp_path / "backup")
    copied = tmp_path / "backup" / "project" / ".mlops" / "lake"
    assert len(appended) == 30
    assert incomplete_tables(copied) == {}
    assert Lake(copied).read("notes").height == 25


@pytest.mark.parametrize("where", ["backup", "project", "project/inside", "file"])
def test_a_folder_that_is_not_empty_or_part_of_the_project_is_refused(
    project: Project, tmp_path: Path, where: str
) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "something").touch()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidInput) as caught:
        make_backup(project, tmp_path / where)
    assert caught.value.code == ("bad_folder" if where == "project/inside" else "not_empty")
    assert caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before


def _change_format(backup: Path) -> None:
    manifest = json.loads((backup / MANIFEST).read_text())
    (backup / MANIFEST).write_text(json.dumps({"format": manifest["format"] + 1, "other": True}))


def _escape(backup: Path) -> None:
    manifest = json.loads((backup / MANIFEST).read_text())
    manifest["files"][0]["path"] = "../outside"
    (backup / MANIFEST).write_text(json.dumps(manifest))


def _change(backup: Path, change: bytes) -> None:
    (backup / "project" / "pipeline.py").write_bytes(change)


WRONG = {
    "nothing": (shutil.rmtree, "not_a_backup"),
    "no manifest": (lambda backup: (backup / MANIFEST).unlink(), "not_a_backup"),
    "half a manifest": (lambda backup: os.truncate(backup / MANIFEST, 100), "not_a_backup"),
    "not an object": (lambda backup: (backup / MANIFEST).write_text("[]"), "not_a_backup"),
    "a path outside": (_escape, "not_a_backup"),
    "newer": (_change_format, "newer_backup"),
    "a changed file": (lambda backup: _change(backup, b"changed"), "damaged_backup"),
    "a missing file": (lambda backup: (backup / "project" / "mlops.toml").unlink(), "damaged_backup"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_whole_backup_is_refused(project: Project, tmp_path: Path, name: str) -> None:
    make_backup(project, tmp_path / "backup")
    change, code = WRONG[name]
    change(tmp_path / "backup")
    with pytest.raises(InvalidInput) as caught:
        restore_backup(tmp_path / "backup", tmp_path / "restored")
    assert caught.value.code == code
    assert caught.value.hint
    assert not (tmp_path / "restored").exists()


def test_a_plain_copy_is_told_to_be_none(project: Project, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        restore_backup(project.root, tmp_path / "restored")
    assert "mlops up" in str(caught.value.hint)


@pytest.mark.parametrize("where", ["full", "file", "backup/inside"])
def test_nothing_is_restored_over_something_else(project: Project, tmp_path: Path, where: str) -> None:
    make_backup(project, tmp_path / "backup")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput) as caught:
        restore_backup(tmp_path / "backup", tmp_path / where)
    assert caught.value.code == ("bad_folder" if "inside" in where else "not_empty")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["something"]


def test_what_a_version_was_trained_on_is_in_a_backup(project: Project, tmp_path: Path) -> None:
    keep_small(open_lake(project), "notes", pinned=lambda: [10], retention=Retention(timedelta(0), timedelta(0)))
    assert not (project.lake_path / "notes" / "_delta_log" / f"{10:020d}.json").exists()
    make_backup(project, tmp_path / "backup")
    restore_backup(tmp_path / "backup", tmp_path / "restored")
    lake = open_lake(load_project(tmp_path / "restored"))
    assert sorted(lake.read("notes", version=10)["id"]) == [*range(11)]
    assert (lake.read("notes").height, lake.position("notes", "me")) == (25, 25)
