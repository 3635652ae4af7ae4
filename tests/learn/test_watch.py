"""What is seen while `mlops learn` runs."""

from __future__ import annotations

import io
from pathlib import Path
from threading import Event, Thread

import pytest
from watchfiles import Change

from mlops_lab.learn.catalog import find_exercise
from mlops_lab.learn.folder import open_folder, work_folder
from mlops_lab.learn.lessons import go_on
from mlops_lab.learn.progress import PROGRESS_FILE
from mlops_lab.learn.watch import ProgressChanged, Saved, Typed, read_changes, watch_folder

EXERCISE = find_exercise("unseeded")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return open_folder(tmp_path)


def test_a_save_is_one_event_however_an_editor_writes(folder: Path) -> None:
    file = work_folder(folder, EXERCISE) / "bootstrap.py"
    for kind in (Change.modified, Change.added):
        assert read_changes(folder, {(kind, str(file)), (kind, f"{file}~")}) == [Saved(EXERCISE)]
    assert read_changes(folder, {(Change.modified, str(file.with_name("helper.py")))}) == [Saved(EXERCISE)]
    for name in ("README.md", ".bootstrap.py.swp"):
        assert read_changes(folder, {(Change.modified, str(file.with_name(name)))}) == []
    assert read_changes(folder, {(Change.deleted, str(file))}) == [], "an editor has written it anew"
    file.unlink()
    assert read_changes(folder, {(Change.deleted, str(file))}) == [Saved(EXERCISE)]


def test_another_exercise_is_seen_and_a_broken_progress_file_is_not(folder: Path) -> None:
    changes = {(Change.added, str(folder / PROGRESS_FILE))}
    go_on(folder, "peeking")
    assert read_changes(folder, changes) == [ProgressChanged("peeking")]
    (folder / PROGRESS_FILE).write_text("{")
    assert read_changes(folder, changes) == []


def test_saves_and_words_arrive(folder: Path) -> None:
    events = watch_folder(folder, io.StringIO("hint\n"))
    assert next(events) == Typed("hint")
    file = work_folder(folder, EXERCISE) / "bootstrap.py"
    stop = Event()

    def save() -> None:
        """Until it is seen: the watching may still be about to begin."""
        while not stop.wait(0.1):
            file.write_text(file.read_text())

    Thread(target=save, daemon=True).start()
    try:
        assert next(events) == Saved(EXERCISE)
    finally:
        stop.set()
        events.close()


def test_a_folder_that_cannot_be_watched_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        next(watch_folder(tmp_path / "nowhere", io.StringIO()))
