"""An exercise: what its `exercise.toml` says, and where its files are."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

HINTS = 3
"""Each exercise has as many hints: a question, where to look, what to do."""
EXERCISES_FOLDER = Path(__file__).parent / "exercises"


class ExerciseText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `exercise.toml`.

    `fails_with` is the key of the message for the files as handed out; `wrong` has the same for each planted wrong
    answer (a folder in `wrong/`). `programs` must be on the machine.
    """

    title: str
    topic: str
    minutes: Annotated[int, Meta(ge=1)]
    story: str
    world: str
    hints: Annotated[tuple[str, ...], Meta(min_length=HINTS, max_length=HINTS)]
    fails_with: str
    wrong: dict[str, str]
    programs: tuple[str, ...] = ()


class Exercise(Struct, frozen=True, kw_only=True):
    """An exercise: `name` and `phase` are its folder and the folder above."""

    name: str
    phase: str
    text: ExerciseText

    @property
    def folder(self) -> Path:
        """Where its files are in the package."""
        return EXERCISES_FOLDER / self.phase / self.name

    @property
    def check_file(self) -> Path:
        """The program that grades it."""
        return self.folder / "check.py"

    @property
    def files(self) -> list[str]:
        """The files that are handed out, relative to the folder of the exercise."""
        start = self.folder / "start"
        return sorted(str(path.relative_to(start)) for path in start.rglob("*") if path.is_file())


def read_exercise(phase: str, name: str) -> Exercise:
    """The exercise in a folder of the package."""
    content = tomllib.loads((EXERCISES_FOLDER / phase / name / "exercise.toml").read_text(encoding="utf-8"))
    return Exercise(name=name, phase=phase, text=msgspec.convert(content, ExerciseText))
