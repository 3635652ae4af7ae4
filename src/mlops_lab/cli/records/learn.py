"""What `mlops learn … --json` prints."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from mlops_lab.learn.exercise import HINTS, Exercise
from mlops_lab.learn.folder import work_folder
from mlops_lab.learn.progress import Progress
from mlops_lab.learn.verdict import Verdict


class ExerciseRow(Struct, frozen=True, kw_only=True):
    """An exercise, and how far the learner is: `current` is the one under way, `solved` when it was solved (ISO 8601;
    null: not yet), `hints_shown` of `hints`."""

    name: str
    phase: str
    title: str
    topic: str
    minutes: int
    current: bool
    solved: str | None
    hints_shown: int
    hints: int = HINTS


class ExercisesRecord(Struct, frozen=True, kw_only=True, tag_field="event", tag="list"):
    """`mlops learn list`: the learner's folder, and all exercises in order."""

    schema_version: int = 1
    folder: str
    exercises: list[ExerciseRow]


class TaskRecord(Struct, frozen=True, kw_only=True, tag_field="event", tag="exercise"):
    """`mlops learn next`, `reset` and `watch`: the exercise to work on: its task, where it happened, its files.
    `previous_files`: after `reset`, the folder in which the learner's files are kept (null:
    they were as they are handed out)."""

    schema_version: int = 1
    name: str
    phase: str
    title: str
    topic: str
    minutes: int
    story: str
    world: str
    files: list[str]
    previous_files: str | None = None


class FinishedRecord(Struct, frozen=True, kw_only=True, tag_field="event", tag="finished"):
    """`mlops learn next` and `watch`: all exercises are solved."""

    schema_version: int = 1
    solved: int


class VerdictRecord(Struct, frozen=True, kw_only=True, tag_field="event", tag="verdict"):
    """`mlops learn check` and `watch`: whether the exercise is solved; if not, what was `seen`, what was `expected`,
    where (a file and a line, if known), and the last lines that the code `printed`. `message` names the message."""

    schema_version: int = 1
    name: str
    passed: bool
    message: str
    seen: str
    expected: str
    where: str | None
    printed: str
    seconds: float


class HintRecord(Struct, frozen=True, kw_only=True, tag_field="event", tag="hint"):
    """`mlops learn hint`: hint number `step` of `steps`: a question, then where to look, then what to do."""

    schema_version: int = 1
    name: str
    step: int
    steps: int = HINTS
    hint: str


class SolutionRecord(Struct, frozen=True, kw_only=True, tag_field="event", tag="solution"):
    """`mlops learn solution`: the content of the files of the reference solution, by name."""

    schema_version: int = 1
    name: str
    files: dict[str, str]


def record_row(exercise: Exercise, progress: Progress) -> ExerciseRow:
    """An exercise in the list."""
    return ExerciseRow(
        name=exercise.name,
        phase=exercise.phase,
        title=exercise.text.title,
        topic=exercise.text.topic,
        minutes=exercise.text.minutes,
        current=exercise.name == progress.current,
        solved=progress.solved.get(exercise.name),
        hints_shown=progress.hints.get(exercise.name, 0),
    )


def record_task(folder: Path, exercise: Exercise, *, previous_files: Path | None = None) -> TaskRecord:
    """The task of an exercise, with the paths of its files in the learner's folder."""
    text = exercise.text
    return TaskRecord(
        name=exercise.name,
        phase=exercise.phase,
        title=text.title,
        topic=text.topic,
        minutes=text.minutes,
        story=text.story.strip(),
        world=text.world.strip(),
        files=[str(work_folder(folder, exercise) / name) for name in exercise.files],
        previous_files=str(previous_files) if previous_files else None,
    )


def record_verdict(exercise: Exercise, verdict: Verdict) -> VerdictRecord:
    """A verdict on an exercise."""
    result = verdict.result
    return VerdictRecord(
        name=exercise.name,
        passed=verdict.passed,
        message=result.key,
        seen=result.seen,
        expected=result.expected,
        where=result.where,
        printed=verdict.printed,
        seconds=round(verdict.seconds, 3),
    )
