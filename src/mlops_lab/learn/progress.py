"""The learner's progress: one file in the learner's folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from mlops_lab.files import locked
from mlops_lab.learn.learner_file import read_learner_file, write_learner_file

PROGRESS_FILE = "mlops-learn.json"
FORMAT = 1


class Progress(Struct, kw_only=True):
    """What a learner has done. `current`: the exercise under way; `solved`: when each was solved, as ISO 8601;
    `hints`: how many hints of each were shown. `seed` decides the hidden data."""

    format: int = FORMAT
    seed: int = field(default_factory=lambda: secrets.randbelow(2**31))
    current: str
    solved: dict[str, str] = {}
    hints: dict[str, int] = {}


def read_progress(folder: Path) -> Progress:
    """The progress in a learner's folder; InvalidInput where the file cannot be read."""
    return read_learner_file(
        folder / PROGRESS_FILE,
        Progress,
        newest_format=FORMAT,
        what="progress file",
        code="bad_progress",
        hint=f"mend the file, or rename it and start again with `mlops learn`; your answers stay in {folder}",
    )


def write_progress(folder: Path, progress: Progress) -> None:
    """Replace the progress file."""
    write_learner_file(folder / PROGRESS_FILE, progress)


@contextmanager
def changed_progress(folder: Path) -> Iterator[Progress]:
    """The progress, which is written when the block ends. Other processes wait."""
    with locked(folder):
        progress = read_progress(folder)
        yield progress
        write_progress(folder, progress)
