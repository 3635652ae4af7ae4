"""What a learner does: check, take a hint, go on, look at the solution. Each step is kept in the progress file."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.clock import now
from mlops_lab.errors import Refused
from mlops_lab.learn.catalog import find_exercise, read_exercises
from mlops_lab.learn.exercise import HINTS, Exercise
from mlops_lab.learn.folder import work_folder
from mlops_lab.learn.process import GradingProcess
from mlops_lab.learn.progress import Progress, changed_progress, read_progress
from mlops_lab.learn.verdict import Verdict, check_work


def choose(folder: Path, name: str | None) -> Exercise:
    """The exercise of this name, or the one under way."""
    return find_exercise(name or read_progress(folder).current)


def check(
    folder: Path, exercise: Exercise, *, process: GradingProcess | None = None, seed: int | None = None
) -> Verdict:
    """The verdict on the learner's files. A passed exercise is solved from then on.

    `seed` decides the hidden data; None: the learner's own.
    """
    seed = read_progress(folder).seed if seed is None else seed
    verdict = check_work(exercise, work_folder(folder, exercise), seed=seed, process=process)
    if verdict.passed:
        with changed_progress(folder) as progress:
            progress.solved.setdefault(exercise.name, now().isoformat(timespec="seconds"))
    return verdict


def take_hint(folder: Path, exercise: Exercise) -> tuple[int, str]:
    """The next hint and its number, from 1. The last one is repeated."""
    with changed_progress(folder) as progress:
        number = min(progress.hints.get(exercise.name, 0) + 1, HINTS)
        progress.hints[exercise.name] = number
    return number, exercise.text.hints[number - 1]


def find_next(progress: Progress) -> Exercise | None:
    """The first exercise after the one under way that is not solved, else the first before it; None: all are solved."""
    exercises = read_exercises()
    position = [exercise.name for exercise in exercises].index(find_exercise(progress.current).name)
    later = (*exercises[position + 1 :], *exercises[: position + 1])
    return next((exercise for exercise in later if exercise.name not in progress.solved), None)


def go_on(folder: Path, name: str | None = None) -> Exercise | None:
    """Make another exercise the one under way: the one of this name, or the next. None: all are solved."""
    with changed_progress(folder) as progress:
        exercise = find_exercise(name) if name else find_next(progress)
        if exercise is not None:
            progress.current = exercise.name
    return exercise


def read_solution(folder: Path, exercise: Exercise) -> dict[str, str]:
    """The files of the reference solution; Refused before the learner has solved the exercise."""
    if exercise.name not in read_progress(folder).solved:
        raise Refused(
            f"{exercise.name} is not solved yet",
            code="not_solved",
            hint="the solution is shown afterwards; until then: mlops learn hint",
        )
    solution = exercise.folder / "solution"
    files = sorted(path for path in solution.rglob("*") if path.is_file())
    return {str(path.relative_to(solution)): path.read_text(encoding="utf-8") for path in files}
