"""Notes of reproductions: written, read, and one that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from readiness_facts import make_settings

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lineage.records import ErasedRows, Reproduction
from mlops_lab.lineage.reproduce.notes import read_notes, write_note
from mlops_lab.project import Project


def made(version: int, again: str, *, erased: bool = False) -> Reproduction:
    return Reproduction(
        version=version,
        same=again == "a",
        fingerprint="a",
        fingerprint_again=again,
        differences=[],
        largest=0.0,
        compared_rows=None,
        new_environment=False,
        folder=None,
        erased=[ErasedRows(table="orders", version=1, rows=2)] if erased else [],
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path, make_settings())
    found.home.mkdir()
    return found


def test_the_last_note_of_each_version_is_kept_the_newest_first(project: Project) -> None:
    assert read_notes(project) == []
    write_note(project, made(1, "b"))
    write_note(project, made(2, "b", erased=True))
    path = write_note(project, made(1, "a"))
    assert path == project.home / "reproduced" / "1.json"
    assert [(note.version, note.is_same, note.on_rest) for note in read_notes(project)] == [
        (1, True, False),
        (2, False, True),
    ]


def test_a_damaged_note_is_an_error_with_the_command_that_makes_it_again(project: Project) -> None:
    write_note(project, made(1, "a")).write_text('{"version": "x"}')
    with pytest.raises(EnvironmentFault) as caught:
        read_notes(project)
    assert caught.value.hint == "remove it, and run `mlops reproduce 1 --note` again"


def test_a_folder_that_cannot_be_written_is_an_error(project: Project) -> None:
    (project.home / "reproduced").write_text("a file where the folder should be")
    with pytest.raises(EnvironmentFault):
        write_note(project, made(1, "a"))
