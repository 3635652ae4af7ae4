"""How far the students of a class are, from their progress files."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from mlops_lab.errors import MlopsError, NotFound
from mlops_lab.learn.catalog import PHASES, read_exercises
from mlops_lab.learn.folder import FOLDER
from mlops_lab.learn.progress import PROGRESS_FILE, Progress, read_progress


class StudentProgress(Struct, frozen=True, kw_only=True):
    """How many exercises of each phase a student has solved, how many hints were shown, and when the last one was
    solved (`last_activity`, ISO 8601; null: none yet)."""

    student: str
    solved: dict[str, int]
    hints: int
    last_activity: str | None


class ClassProgress(Struct, frozen=True, kw_only=True):
    """The students by name, and what is wrong with the progress files that cannot be read."""

    students: list[StudentProgress]
    unreadable: list[str]


def read_class(folder: Path) -> ClassProgress:
    """The progress of everybody in whose folder below this one there is a progress file; NotFound where nobody is."""
    students, unreadable = [], []
    for path in sorted(folder.rglob(PROGRESS_FILE)):
        try:
            students.append(_summarise(_name(path.parent, folder), read_progress(path.parent)))
        except (MlopsError, OSError) as error:
            unreadable.append(str(error))
    if not students and not unreadable:
        hint = f"a folder with the folders of students; each has a {PROGRESS_FILE}"
        raise NotFound(f"there is no {PROGRESS_FILE}", code="no_progress", where=str(folder), hint=hint)
    return ClassProgress(students=students, unreadable=unreadable)


def _name(learner: Path, folder: Path) -> str:
    """Where a student's folder is; a last `mlops-learn` tells nothing."""
    parts = learner.relative_to(folder).parts
    name = "/".join(parts[:-1] if parts[-1:] == (FOLDER,) else parts)
    return name or folder.resolve().name


def _summarise(student: str, progress: Progress) -> StudentProgress:
    solved = dict.fromkeys(PHASES, 0)
    for exercise in read_exercises():
        solved[exercise.phase] += exercise.name in progress.solved
    last = max(progress.solved.values(), default=None)
    return StudentProgress(student=student, solved=solved, hints=sum(progress.hints.values()), last_activity=last)
