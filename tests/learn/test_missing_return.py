"""A function without a `return` is named as such, in all exercises alike; and nothing else is taken for one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from slow import mostly_slow

from mlops_lab.learn.catalog import find_exercise, read_exercises
from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.missing_return import find_missing_return
from mlops_lab.learn.verdict import check_work

REFERENCE = "def load(path):\n    return 1\n"
LOADS = re.compile(r'work\.load\("([^"]+)", ([^)]*)\)')


def functions_of(exercise: Exercise) -> list[tuple[str, str]]:
    """The functions that the check of an exercise asks for, each with its file."""
    return [
        (file, name.strip('" '))
        for file, names in LOADS.findall(exercise.check_file.read_text())
        for name in names.split(",")
    ]


FUNCTIONS = [(exercise.name, *function) for exercise in read_exercises() for function in functions_of(exercise)]
WRITES_ONLY = {"load_day", "nightly", "publish", "tick"}
"""They return nothing in the reference solution, either."""
CASES = [case for case in FUNCTIONS if case[2] not in WRITES_ONLY]


@pytest.mark.parametrize("case", mostly_slow(CASES, quick=CASES[:2]), ids=lambda case: f"{case[0]}-{case[2]}")
def test_each_function_of_an_exercise_without_its_return_is_named(case: tuple[str, str, str], tmp_path: Path) -> None:
    exercise, file, function = find_exercise(case[0]), case[1], case[2]
    work = Path(shutil.copytree(exercise.folder / "solution", tmp_path / "work"))
    with (work / file).open("a") as code:
        code.write(f"_right = {function}\ndef {function}(*values, **named):\n    _right(*values, **named)\n")
    result = check_work(exercise, work, seed=1).result
    assert (result.key, result.where) == ("no-return", None)
    assert result.seen == f"`{function}` returned nothing: is a `return` missing?"


def test_functions_that_only_write_need_no_return() -> None:
    found = {name for exercise, file, name in FUNCTIONS if not is_missing(find_exercise(exercise), file, name)}
    assert found == WRITES_ONLY


def is_missing(exercise: Exercise, file: str, name: str) -> bool:
    """Whether a function that does nothing would be said to lack a `return`."""
    empty = Path(file)
    empty.write_text(f"def {name}(*_, **__):\n    pass\n")
    return find_missing_return([(file, name)], Path(), exercise.folder / "solution") == name


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("def load(path):\n    open(path)\n", True),
        ("def load(path):\n    if not path:\n        return\n    return None\n", True),
        ("def load(path):\n    def inner():\n        return 1\n    inner()\n", True),
        ("def load(path):\n    return 1\ndef load(path):\n    pass\n", True),
        ("def load(path):\n    if path:\n        return 1\n", False),
        ("def load(path):\n    yield 1\n", False),
        ("def load(path):\n    return path or None\n", False),
        ("load = lambda path: None\n", False),
        ("from functools import cache\n@cache\ndef load(path):\n    pass\n", False),
        ("def other(path):\n    pass\n", False),
    ],
)
def test_a_missing_return_is_told_from_others(code: str, *, missing: bool, tmp_path: Path) -> None:
    for folder, text in (("work", code), ("solution", REFERENCE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "loading.py").write_text(text)
    found = find_missing_return([("loading.py", "load")], tmp_path / "work", tmp_path / "solution")
    assert found == ("load" if missing else None)
