"""What a machine acknowledged outlives it: its journal is in the store, and another machine moves it into the lake."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from one_of_each import ids, write
from s3_server import open_stored

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.shipping import Shipper, adopt_journals
from mlops_lab.journal.segments import segment_name
from mlops_lab.journal.workers import worker_path
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project


class Machine(NamedTuple):
    """A machine: its folder of the project, the lake that it shares, and what it has shipped."""

    project: Project
    lake: Lake
    shipper: Shipper

    @property
    def shipped(self) -> list[str]:
        """The parts of journals in the store."""
        return [item.path for item in self.lake.commits.mirror.store.objects("_journals")]


@pytest.fixture
def machines(small, stored_uri: str, tmp_path: Path) -> list[Machine]:
    def make(name: str) -> Machine:
        root = tmp_path / name / "project"
        shutil.copytree(small.project.root, root, ignore=shutil.ignore_patterns("a", "b", ".mlops"))
        project = load_project(root)
        lake = open_stored(stored_uri, project.home)
        return Machine(project, lake, Shipper(project, lake))

    return [make("a"), make("b")]


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so much time pass that what was shipped counts as abandoned."""
    moment = clock.now() + timedelta(minutes=3)
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_what_a_machine_that_died_had_shipped_is_moved_once(machines, monkeypatch):
    a, b = machines
    write(a.project, "in the lake")
    ingest_journal(a.project, a.lake)
    write(a.project, "shipped")
    write(a.project, "of another worker", worker=1)
    for _ in range(2):
        a.shipper.ship()
    assert len(a.shipped) == 2
    assert adopt_journals(b.project, b.lake) == 0, "its own loop may be about to move it"
    later(monkeypatch)
    assert adopt_journals(b.project, b.lake) == 2
    assert adopt_journals(b.project, b.lake) == 0
    assert b.shipped == []
    assert ids(b.lake) == ["in the lake", "of another worker", "shipped"]
    a.lake.refresh()
    ingest_journal(a.project, a.lake)  # it was not dead
    write(a.project, "and goes on")
    ingest_journal(a.project, a.lake)
    assert ids(a.lake) == ["and goes on", "in the lake", "of another worker", "shipped"]


def test_what_its_own_loop_moved_is_deleted_from_the_store(machines):
    a, _ = machines
    write(a.project, "x")
    a.shipper.ship()
    assert len(a.shipped) == 1
    ingest_journal(a.project, a.lake)
    a.shipper.ship()
    assert a.shipped == []


def test_a_restart_begins_a_part_of_its_own_and_damage_is_left_out(machines, monkeypatch):
    a, b = machines
    write(a.project, "first")
    write(a.project, "second")  # another opening: another epoch
    path = worker_path(a.project.journal_path, 0) / segment_name(0)
    write(a.project, "third")
    content = bytearray(path.read_bytes())
    content[30] ^= 255  # in the first frame
    path.write_bytes(content)
    a.shipper.ship()
    assert len(a.shipped) == 2
    later(monkeypatch)
    assert adopt_journals(b.project, b.lake) == 2
    assert ids(b.lake) == ["second", "third"]


def test_a_store_that_is_away_is_tried_again_and_nothing_is_shipped_twice(machines, s3):
    a, _ = machines
    write(a.project, "x")
    s3.fail("503")
    with pytest.raises(EnvironmentFault):
        a.shipper.ship()
    s3.fail("")
    a.shipper.ship()
    write(a.project, "y")
    a.shipper.ship()
    spans = [path.rsplit("/", 1)[1].split("-") for path in a.shipped]
    assert spans[0][1] == spans[1][0]


def test_the_lake_of_one_machine_ships_nothing(small):
    write(small.project, "x")
    Shipper(small.project, small.lake).ship()
    assert adopt_journals(small.project, small.lake) == 0
