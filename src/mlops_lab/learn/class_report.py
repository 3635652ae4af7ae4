"""How far the students of a class are, with exercises and with labs, from the files in their folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from mlops_lab.errors import InvalidInput, MlopsError, NotFound
from mlops_lab.learn.catalog import PHASES, read_exercises
from mlops_lab.learn.folder import FOLDER
from mlops_lab.learn.labs.data.layout import Kind
from mlops_lab.learn.labs.state import STATE_FILE, read_state
from mlops_lab.learn.progress import PROGRESS_FILE, read_progress

_Row = TypeVar("_Row")


class StudentProgress(Struct, frozen=True, kw_only=True):
    """How many exercises of each phase a student has solved, how many hints were shown, and when the last one was
    solved (`last_activity`, ISO 8601; null: none yet)."""

    student: str
    solved: dict[str, int]
    hints: int
    last_activity: str | None


class LabProgress(Struct, frozen=True, kw_only=True):
    """How far a student is with a lab, and what it is about (`data`).

    Which checks have `passed` and which are `open`, how many hints were shown, when it was started, and when a check
    last passed for the first time (`last_activity`; both ISO 8601; null: none yet)."""

    student: str
    lab: str
    data: Kind
    passed: list[str]
    open: list[str]
    hints: int
    started: str
    last_activity: str | None


class ClassProgress(Struct, frozen=True, kw_only=True):
    """The students with exercises by name, their labs, and what is wrong with the files that cannot be read."""

    students: list[StudentProgress]
    labs: list[LabProgress]
    unreadable: list[str]


def read_class(folder: Path) -> ClassProgress:
    """The progress of everybody whose folder, below this one, has exercises or labs; NotFound where there is nobody."""
    unreadable: list[str] = []
    students = _read_all(folder, PROGRESS_FILE, lambda found: _summarise(_name(found, folder), found), unreadable)
    names = {row.student for row in students}
    labs = _read_all(folder, STATE_FILE, lambda found: _summarise_lab(found, folder, names), unreadable)
    if not students and not labs and not unreadable:
        hint = f"a folder with the folders of students; each has a {PROGRESS_FILE}, or a {STATE_FILE} for each lab"
        raise NotFound(
            f"there is no {PROGRESS_FILE} and no {STATE_FILE}", code="no_progress", where=str(folder), hint=hint
        )
    labs.sort(key=lambda row: (row.student, row.lab))
    return ClassProgress(students=students, labs=labs, unreadable=unreadable)


def _read_all(folder: Path, name: str, read: Callable[[Path], _Row], unreadable: list[str]) -> list[_Row]:
    """What `read` says of each folder below this one that has a file of this name. Errors go to `unreadable`."""
    rows = []
    for path in sorted(folder.rglob(name)):
        try:
            rows.append(read(path.parent))
        except (MlopsError, OSError) as error:
            unreadable.append(str(error))
    return rows


def _name(learner: Path, folder: Path, usual: str = FOLDER) -> str:
    """Where a student's folder is; a last part that is `usual` tells nothing."""
    parts = learner.relative_to(folder).parts
    name = "/".join(parts[:-1] if parts[-1:] == (usual,) else parts)
    return name or folder.resolve().name


def _summarise(student: str, learner: Path) -> StudentProgress:
    progress = read_progress(learner)
    solved = dict.fromkeys(PHASES, 0)
    for exercise in read_exercises():
        solved[exercise.phase] += exercise.name in progress.solved
    last = max(progress.solved.values(), default=None)
    return StudentProgress(student=student, solved=solved, hints=sum(progress.hints.values()), last_activity=last)


def _summarise_lab(found: Path, folder: Path, students: set[str]) -> LabProgress:
    """The lab in a folder. It is of the student with exercises in whose folder it is, otherwise named by its place."""
    from mlops_lab.learn.labs.catalog import find_lab  # other commands of `mlops learn` do not wait for it

    state = read_state(found)
    try:
        lab = find_lab(state.lab)
    except NotFound as error:
        hint = "pip install --upgrade mlops-lab"
        raise InvalidInput(str(error), code="bad_lab", where=str(found / STATE_FILE), hint=hint) from None
    above = (_name(parent, folder) for parent in (found, *found.parents) if parent.is_relative_to(folder))
    student = next((name for name in above if name in students), _name(found, folder, lab.name))
    checks = [check.name for check in lab.text.checks]
    return LabProgress(
        student=student,
        lab=lab.name,
        data=state.data,
        passed=[name for name in checks if name in state.passed],
        open=[name for name in checks if name not in state.passed],
        hints=sum(state.hints.values()),
        started=state.started,
        last_activity=max(state.passed.values(), default=None),
    )
