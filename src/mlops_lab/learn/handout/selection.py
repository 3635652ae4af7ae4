"""Which exercises a class gets, and the seed of each student's hidden data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.files import disk_fault
from mlops_lab.learn.catalog import PHASES, find_exercise, read_exercises
from mlops_lab.learn.exercise import Exercise

SEEDS = 2**31


def select(names: Sequence[str]) -> list[Exercise]:
    """The exercises of these names, or of phases of these names, in the order of learning; without names, all."""
    phases = [name for name in names if name in PHASES]
    chosen = {find_exercise(name).name for name in names if name not in PHASES}
    return [item for item in read_exercises() if not names or item.phase in phases or item.name in chosen]


def seed_of(student: str, course_seed: int) -> int:
    """The seed of a student: always the same in a course, another in the next one."""
    digest = hashlib.sha256(f"{course_seed}:{student}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % SEEDS


def read_students(path: Path) -> list[str]:
    """The names in a file, one a line; InvalidInput where one cannot be the name of a file, or stands there twice."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        hint = "write a file with one name a line"
        raise NotFound("there is no such file", code="no_students", where=str(path), hint=hint) from None
    except OSError as error:
        raise disk_fault(error, path) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"is no text: {error}", code="bad_students", where=str(path), hint="save it as UTF-8"
        ) from None
    names = [line.strip() for line in lines if line.strip()]
    hint = "one name a line, each once, such as a login"
    for number, name in enumerate(names):
        if name in names[:number] or "/" in name or "\0" in name or name.startswith("."):
            what = f'"{name}" is there twice' if name in names[:number] else f'"{name}" cannot be the name of a file'
            raise InvalidInput(what, code="bad_students", where=str(path), hint=hint)
    if not names:
        raise InvalidInput("has no names", code="bad_students", where=str(path), hint=hint)
    return names
