"""The journals of several workers: where they are, who holds them, and how far the lake is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from mlops_lab.journal.workers import (
    Damage,
    Progress,
    is_locked,
    read_progress,
    worker_path,
    worker_paths,
    writer_of,
)
from mlops_lab.journal.writer import Journal


def test_the_first_workers_folder_contains_the_others(tmp_path: Path) -> None:
    assert worker_paths(tmp_path / "nowhere") == [tmp_path / "nowhere"]
    for worker in (0, 2):
        worker_path(tmp_path, worker).mkdir(parents=True, exist_ok=True)
    assert worker_paths(tmp_path) == [worker_path(tmp_path, worker) for worker in range(3)]
    assert worker_path(tmp_path, 0) == tmp_path
    assert worker_path(tmp_path, 2).parent == tmp_path


def test_folders_are_in_the_order_of_the_workers(tmp_path: Path) -> None:
    for worker in range(12):
        worker_path(tmp_path, worker).mkdir(exist_ok=True)
    assert worker_paths(tmp_path) == [worker_path(tmp_path, worker) for worker in range(12)]


@pytest.mark.parametrize("worker", [0, 1])
def test_a_journal_is_locked_while_any_worker_writes(tmp_path: Path, worker: int) -> None:
    assert not is_locked(tmp_path)
    with closing(Journal(worker_path(tmp_path, worker))):
        assert is_locked(tmp_path)
        assert is_locked(tmp_path), "looking does not unlock it"
    assert not is_locked(tmp_path)


@pytest.mark.parametrize(("text", "positions"), [("[]", ()), ("[3,0]", (3, 0)), ("", ()), ('{"a":[]}', ()), ("[1", ())])
def test_what_an_older_release_wrote_of_its_progress_is_read_and_nothing_else_is(
    tmp_path: Path, text: str, positions: tuple[int, ...]
) -> None:
    path = tmp_path / "positions.json"
    assert read_progress(path) == Progress()
    path.write_text(text)
    assert read_progress(path) == Progress(positions)


def test_progress_is_read_back(tmp_path: Path) -> None:
    path, progress = tmp_path / "positions.json", Progress((3, 0), Damage(2, 130))
    path.write_bytes(msgspec.json.encode(progress))
    assert read_progress(path) == progress


def test_each_worker_is_a_writer_of_its_own() -> None:
    """These names are stored in tables: they must not change."""
    assert [writer_of(worker) for worker in range(3)] == ["journal", "journal-1", "journal-2"]
