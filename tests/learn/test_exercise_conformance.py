"""Every exercise: it fails as handed out, with the message meant; so does each usual mistake; two right answers pass.
A new one needs no test of its own."""

from __future__ import annotations

import re
import resource
from hashlib import sha256
from pathlib import Path

import pytest
from slow import mostly_slow

from mlops_lab.errors import NotFound
from mlops_lab.learn.catalog import NAMES, find_exercise, read_exercises
from mlops_lab.learn.exercise import EXERCISES_FOLDER, Exercise
from mlops_lab.learn.result import PASSED
from mlops_lab.learn.verdict import check_work

EXERCISES = read_exercises()
QUICK = ("unseeded", "pipe-exit-code")
"""One of Python, one of the command line: whose answers are all graded in `make test`."""
MAX_LINES, MAX_WIDTH = 40, 140
MAX_SECONDS = 3.0
SEED = 5


def answers() -> list[tuple[str, str, str]]:
    """Each folder with an answer: its exercise, its path below the exercise, the key of the message that it must get."""
    return [
        (exercise.name, folder, key)
        for exercise in EXERCISES
        for folder, key in (
            ("start", exercise.text.fails_with),
            ("solution", PASSED),
            ("another", PASSED),
            *((f"wrong/{name}", key) for name, key in exercise.text.wrong.items()),
        )
    ]


def content(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
ANSWERS = answers()
CASES = mostly_slow(ANSWERS, quick=[answer for answer in ANSWERS if answer[0] in QUICK])


@pytest.mark.parametrize("answer", CASES, ids=lambda answer: f"{answer[0]}-{answer[1]}")
def test_an_answer_gets_its_verdict_in_time_and_leaves_nothing_behind(
    answer: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, folder, key = answer
    exercise = find_exercise(name)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before, begin = content(exercise.folder), cpu_seconds()
    verdict = check_work(exercise, exercise.folder / folder, seed=SEED)
    assert verdict.result.key == key, (verdict.result, verdict.printed)
    assert cpu_seconds() - begin < MAX_SECONDS  # of the processor: the machine may be busy
    if key != PASSED:
        assert verdict.result.seen
        assert verdict.result.expected
    assert content(exercise.folder) == before
    assert list(tmp_path.iterdir()) == []


def cpu_seconds() -> float:
    """What the processes that this one started, and that have ended, took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
@each_exercise
def test_right_answers_pass_whatever_the_hidden_data(exercise: Exercise) -> None:
    failed = [
        (folder, seed, verdict.result)
        for folder in ("solution", "another")
        for seed in range(10)
        if not (verdict := check_work(exercise, exercise.folder / folder, seed=seed)).passed
    ]
    assert failed == []


@each_exercise
def test_it_has_all_parts(exercise: Exercise) -> None:
    text, folder = exercise.text, exercise.folder
    assert {path.name for path in folder.iterdir()} == {
        "exercise.toml", "check.py", "start", "solution", "another", "wrong",
    }  # fmt: skip
    assert {path.name for path in (folder / "wrong").iterdir()} == {*text.wrong}
    assert len(text.wrong) >= 2
    for answer in (folder / "solution", folder / "another", *(folder / "wrong").iterdir()):
        assert {str(path.relative_to(answer)) for path in answer.rglob("*") if path.is_file()} == {*exercise.files}
    assert text.fails_with != PASSED
    assert PASSED not in text.wrong.values()
    assert all(hint.strip() for hint in text.hints)
    assert "?" in text.hints[0], "the first hint asks"
    assert text.story.strip()
    assert text.world.strip()


@each_exercise
def test_it_is_short(exercise: Exercise) -> None:
    lines = [line for name in exercise.files for line in (exercise.folder / "start" / name).read_text().splitlines()]
    assert len(lines) <= MAX_LINES
    assert max(map(len, lines)) <= MAX_WIDTH
    assert len(exercise.text.story.split()) <= 140


@each_exercise
def test_the_check_does_not_read_the_text_of_code(exercise: Exercise) -> None:
    """It runs the code. (What is no code, such as a .gitignore, it hands to the program that reads it.)"""
    if any(name.endswith((".py", ".sh")) for name in exercise.files):
        check = exercise.check_file.read_text()
        assert not re.search(r"work\.(path|folder)[^\n]*(read_text|read_bytes|open\()", check)


def test_the_catalog_names_each_folder_once() -> None:
    found = sorted(
        f"{path.parent.parent.name}/{path.parent.name}" for path in EXERCISES_FOLDER.glob("*/*/exercise.toml")
    )
    assert sorted(f"{phase}/{name}" for phase, names in NAMES.items() for name in names) == found
    names = [exercise.name for exercise in EXERCISES]
    assert len({*names}) == len(names)


def test_the_phases_are_those_of_the_course_and_none_is_empty() -> None:
    assert [*NAMES] == ["foundations", "concepts", "tools", "systems"]
    assert all(NAMES.values())


def test_an_unknown_name_is_suggested() -> None:
    with pytest.raises(NotFound, match="no exercise") as caught:
        find_exercise("peking")
    assert caught.value.hint == "did you mean peeking?"
