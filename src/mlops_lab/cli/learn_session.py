"""What each command of `mlops learn` does and prints; also as words that are typed while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Timer

from msgspec import Struct

from mlops_lab.cli.learn_texts import write_record
from mlops_lab.cli.records.learn import (
    ExercisesRecord,
    FinishedRecord,
    HintRecord,
    SolutionRecord,
    record_row,
    record_task,
    record_verdict,
)
from mlops_lab.cli.shared import console, print_record
from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.learn import lessons
from mlops_lab.learn.catalog import read_exercises
from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.folder import reset
from mlops_lab.learn.process import LIMIT_SECONDS, SpareProcess
from mlops_lab.learn.progress import read_progress

WORDS = ("next", "hint", "check", "list", "reset", "solution", "quit")
"""What may be typed while `mlops learn` runs, also with the name of an exercise; the first letter is enough."""


SLOW_SECONDS = 2.5


class Session:
    """A learner's folder, and how results are printed: `json`, or in words. With `spare`, checks begin at once."""

    def __init__(self, folder: Path, *, json: bool, spare: SpareProcess | None = None) -> None:
        self.folder = folder
        self.json = json
        self.spare = spare

    def choose(self, name: str | None) -> Exercise:
        """The exercise of this name, or the one under way."""
        return lessons.choose(self.folder, name)

    def _show(self, record: Struct) -> None:
        if self.json:
            print_record(record)
        else:
            write_record(record)

    def show_task(self, exercise: Exercise) -> None:
        """Print the task."""
        self._show(record_task(self.folder, exercise))

    def check(self, exercise: Exercise, *, seed: int | None = None) -> bool:
        """Print the verdict; whether the exercise is solved. `seed`: of other hidden data than the learner's own."""
        with _told_when_slow(), self.spare.take() if self.spare else nullcontext() as process:
            verdict = lessons.check(self.folder, exercise, process=process, seed=seed)
            self._show(record_verdict(exercise, verdict))
        return verdict.passed

    def try_check(self, exercise: Exercise) -> None:
        """Check while watching: what cannot be graded is said, and the watching goes on."""
        try:
            self.check(exercise)
        except MlopsError as error:
            _talk(error)

    def show_hint(self, exercise: Exercise) -> None:
        """Print the next hint."""
        step, text = lessons.take_hint(self.folder, exercise)
        self._show(HintRecord(name=exercise.name, step=step, hint=text.strip()))

    def show_list(self) -> None:
        """Print all exercises."""
        progress = read_progress(self.folder)
        rows = [record_row(exercise, progress) for exercise in read_exercises()]
        self._show(ExercisesRecord(folder=str(self.folder), exercises=rows))

    def go_on(self, name: str | None = None) -> Exercise | None:
        """Go to the next exercise, or that of this name; where all are solved, say so."""
        exercise = lessons.go_on(self.folder, name)
        if exercise is None:
            self._show(FinishedRecord(solved=len(read_exercises())))
        return exercise

    def reset(self, exercise: Exercise) -> None:
        """Hand an exercise out again, and print where the learner's files are kept."""
        self._show(record_task(self.folder, exercise, previous_files=reset(self.folder, exercise)))

    def show_solution(self, exercise: Exercise) -> None:
        """Print the reference solution."""
        files = lessons.read_solution(self.folder, exercise)
        self._show(SolutionRecord(name=exercise.name, files=files))

    def obey(self, typed: str) -> bool:
        """Do what was typed while watching; False for `quit`."""
        first, _, name = typed.removeprefix("mlops learn ").partition(" ")  # as the messages write it
        word = next((word for word in WORDS if word.startswith(first.lower())), None)
        if word == "quit":
            return False
        try:
            self._do(word, typed, name.strip() or None)
        except MlopsError as error:
            _talk(error)
        return True

    def _do(self, word: str | None, typed: str, name: str | None) -> None:
        exercise = self.choose(name if word else None)
        match word:
            case "next":
                self.go_on(name)  # changes the progress file, which the watching sees
            case "hint":
                self.show_hint(exercise)
            case "check":
                self.check(exercise)
            case "list":
                self.show_list()
            case "reset":
                self.reset(exercise)
            case "solution":
                self.show_solution(exercise)
            case _:
                hint = f"one of: {', '.join(WORDS)}; the first letter is enough"
                raise InvalidInput(f'"{typed}" is not a command here', code="unknown_word", hint=hint)


@contextmanager
def _told_when_slow() -> Iterator[None]:
    """A check that takes long says so on stderr: a learner would wait, or save again."""
    said = f"still running; it is ended after {LIMIT_SECONDS:g} s"
    timer = Timer(SLOW_SECONDS, lambda: console.print(said, highlight=False))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _talk(error: MlopsError) -> None:
    """Print an error on stderr."""
    console.print(f"error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
    if error.hint:
        console.print(f"hint: {error.hint}", highlight=False, markup=False, soft_wrap=True)
