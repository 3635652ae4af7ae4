"""The learner's progress: one file in the learner's folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct, field

from mlops_lab.errors import InvalidInput
from mlops_lab.files import disk_fault, locked, write_atomically

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
    path = folder / PROGRESS_FILE
    try:
        content = msgspec.json.decode(path.read_bytes())
        number = content.get("format") if isinstance(content, dict) else None
        if isinstance(number, int) and number > FORMAT:
            raise InvalidInput(
                f"was written by a newer mlops-lab (format {number}; this one reads up to {FORMAT})",
                code="newer_format",
                where=str(path),
                hint="pip install --upgrade mlops-lab",
            )
        return msgspec.convert(content, Progress)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        hint = f"mend the file, or rename it and start again with `mlops learn`; your answers stay in {folder}"
        raise InvalidInput(f"is no progress file: {error}", code="bad_progress", where=str(path), hint=hint) from None


def write_progress(folder: Path, progress: Progress) -> None:
    """Replace the progress file."""
    path = folder / PROGRESS_FILE
    try:
        write_atomically(path, msgspec.json.format(msgspec.json.encode(progress)) + b"\n")
    except OSError as error:
        raise disk_fault(error, path) from error


@contextmanager
def changed_progress(folder: Path) -> Iterator[Progress]:
    """The progress, which is written when the block ends. Other processes wait."""
    with locked(folder):
        progress = read_progress(folder)
        yield progress
        write_progress(folder, progress)
