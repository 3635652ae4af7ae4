"""The learner's way through the exercises, and the files that keep it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlops_lab.errors import Conflict, InvalidInput, NotFound, Refused
from mlops_lab.learn.catalog import find_exercise, read_exercises
from mlops_lab.learn.exercise import HINTS
from mlops_lab.learn.folder import find_folder, open_folder, reset, work_folder
from mlops_lab.learn.lessons import check, choose, find_next, go_on, read_solution, take_hint
from mlops_lab.learn.progress import PROGRESS_FILE, Progress, read_progress, write_progress

EXERCISE = find_exercise("pipe-exit-code")
FIRST, SECOND, *_, LAST = read_exercises()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return open_folder(tmp_path)


def test_a_folder_is_made_with_all_exercises_and_begins_with_the_first(folder: Path, tmp_path: Path) -> None:
    assert folder == tmp_path / "mlops-learn"
    assert choose(folder, None) is FIRST
    for exercise in read_exercises():
        work = work_folder(folder, exercise)
        assert {path.name for path in work.iterdir()} == {*exercise.files, "README.md"}
        assert exercise.text.world.strip() in (work / "README.md").read_text()


def test_it_is_found_again_from_above_and_from_inside(folder: Path, tmp_path: Path) -> None:
    inside = work_folder(folder, EXERCISE)
    assert [find_folder(start) for start in (tmp_path, folder, inside)] == [folder] * 3
    (inside / "nightly.sh").write_text("mine")
    assert open_folder(tmp_path) == folder
    assert (inside / "nightly.sh").read_text() == "mine"


def test_what_is_missing_is_handed_out_when_it_is_opened_again(folder: Path) -> None:
    shutil.rmtree(work_folder(folder, LAST))
    open_folder(folder)
    assert work_folder(folder, LAST).is_dir()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mlops-learn").mkdir()
    (tmp_path / "mlops-learn" / "notes.txt").write_text("mine")
    with pytest.raises(Conflict, match="no folder of exercises"):
        open_folder(tmp_path)
    with pytest.raises(NotFound, match="no folder of exercises"):
        find_folder(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.txt")] == ["notes.txt"]


def test_an_exercise_is_solved_once_and_its_solution_shown_only_then(folder: Path) -> None:
    assert not check(folder, EXERCISE).passed
    with pytest.raises(Refused, match="not solved yet"):
        read_solution(folder, EXERCISE)
    shutil.copytree(EXERCISE.folder / "another", work_folder(folder, EXERCISE), dirs_exist_ok=True)
    assert check(folder, EXERCISE).passed
    solved = read_progress(folder).solved
    assert solved.keys() == {EXERCISE.name}
    assert "pipefail" in read_solution(folder, EXERCISE)["nightly.sh"]
    assert check(folder, EXERCISE).passed
    assert read_progress(folder).solved == solved


def test_hints_come_one_by_one_and_the_last_one_stays(folder: Path) -> None:
    shown = [take_hint(folder, EXERCISE) for _ in range(HINTS + 1)]
    assert [step for step, _ in shown] == [1, 2, 3, 3]
    assert [text for _, text in shown[:HINTS]] == [*EXERCISE.text.hints]


def test_the_next_exercise_is_the_first_later_one_that_is_not_solved(folder: Path) -> None:
    names = [exercise.name for exercise in read_exercises()]
    assert go_on(folder) is SECOND
    assert go_on(folder, LAST.name) is LAST
    assert go_on(folder) is FIRST  # those that were left out
    with pytest.raises(NotFound):
        go_on(folder, "nothing")
    assert choose(folder, None) is FIRST
    assert find_next(Progress(current=FIRST.name, solved=dict.fromkeys(names[1:], "now"))) is FIRST
    assert find_next(Progress(current=FIRST.name, solved=dict.fromkeys(names, "now"))) is None


def test_a_reset_keeps_what_was_there(folder: Path) -> None:
    work = work_folder(folder, EXERCISE)
    for answer in ("one", "two"):
        (work / "nightly.sh").write_text(answer)
        kept = reset(folder, EXERCISE)
        assert kept is not None
        assert (kept / "nightly.sh").read_text() == answer
        assert (work / "nightly.sh").read_text() == (EXERCISE.folder / "start" / "nightly.sh").read_text()
    shutil.rmtree(work)
    assert reset(folder, EXERCISE) is None
    assert work.is_dir()


def test_a_reset_makes_no_copy_of_what_is_not_lost(folder: Path) -> None:
    """Neither of files as they were handed out, nor of files that are kept already."""
    work = work_folder(folder, EXERCISE)
    (work / "__pycache__").mkdir()
    (work / "__pycache__" / "left.pyc").write_bytes(b"by a run")
    assert reset(folder, EXERCISE) is None
    kept = []
    for answer in ("one", "two", "one"):
        (work / "nightly.sh").write_text(answer)
        kept.append(reset(folder, EXERCISE))
    assert kept[0] == kept[2]
    (work / "notes.txt").write_text("mine")
    (work / "elsewhere").symlink_to(folder)
    kept.append(reset(folder, EXERCISE))
    assert [path.name for path in sorted(work.parent.glob(f"{work.name}*"))] == [
        work.name, f"{work.name}.old-1", f"{work.name}.old-2", f"{work.name}.old-3",
    ]  # fmt: skip
    assert kept[3] is not None
    assert {path.name for path in kept[3].iterdir()} == {"nightly.sh", "README.md", "notes.txt", "elsewhere"}
    assert {path.name for path in work.iterdir()} == {"nightly.sh", "README.md"}


def test_progress_is_read_as_it_was_written(tmp_path: Path) -> None:
    progress = Progress(current="peeking", solved={"unseeded": "2026-01-02T03:04:05+00:00"}, hints={"peeking": 2})
    write_progress(tmp_path, progress)
    assert read_progress(tmp_path) == progress


def test_the_first_format_is_read(tmp_path: Path) -> None:
    """As the first release writes it: this text must stay readable."""
    (tmp_path / PROGRESS_FILE).write_text(
        '{"format": 1, "seed": 7, "current": "bisect", "solved": {}, "hints": {"bisect": 1}}'
    )
    assert read_progress(tmp_path) == Progress(seed=7, current="bisect", hints={"bisect": 1})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "bad_progress"),
        ("[]", "bad_progress"),
        ('{"format": 1}', "bad_progress"),
        (json.dumps({"format": 2, "current": "bisect"}), "newer_format"),
    ],
)
def test_a_progress_file_that_cannot_be_read_is_one_error(content: str, code: str, tmp_path: Path) -> None:
    (tmp_path / PROGRESS_FILE).write_text(content)
    with pytest.raises(InvalidInput) as caught:
        read_progress(tmp_path)
    assert caught.value.code == code
    assert (tmp_path / PROGRESS_FILE).read_text() == content
