"""The notes of reproductions: `mlops reproduce VERSION --note` keeps what came out, as evidence."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.lineage.records import Reproduction
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import system_user

_FOLDER = "reproduced"


class ReproductionNote(msgspec.Struct, frozen=True, kw_only=True):
    """That a version was trained again: when, by whom, and the fingerprints of both models. `on_rest`: rows of its data
    were erased since, so that it had to be another model."""

    format: int = 1
    version: int
    at: datetime
    by: str
    fingerprint: str
    fingerprint_again: str
    new_environment: bool
    on_rest: bool = False

    @property
    def is_same(self) -> bool:
        """Whether it was the same model."""
        return self.fingerprint == self.fingerprint_again


def write_note(project: Project, made: Reproduction) -> Path:
    """Keep what came out, in place of the note before about this version; the path of the file."""
    note = ReproductionNote(
        version=made.version,
        at=clock.now(),
        by=system_user(),
        fingerprint=made.fingerprint,
        fingerprint_again=made.fingerprint_again,
        new_environment=made.new_environment,
        on_rest=bool(made.erased),
    )
    path = project.home / _FOLDER / f"{made.version}.json"
    try:
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, msgspec.json.format(msgspec.json.encode(note)))
    except OSError as error:
        raise disk_fault(error, path) from error
    return path


def read_notes(project: Project) -> list[ReproductionNote]:
    """The notes, the newest first. EnvironmentFault where one cannot be read."""
    notes = []
    for path in sorted((project.home / _FOLDER).glob("*.json")):
        try:
            notes.append(msgspec.json.decode(path.read_bytes(), type=ReproductionNote))
        except (OSError, msgspec.MsgspecError) as error:
            raise EnvironmentFault(
                f"cannot be read: {error}",
                code="bad_note",
                where=str(path),
                hint=f"remove it, and run `mlops reproduce {path.stem} --note` again",
            ) from error
    return sorted(notes, key=lambda note: note.at, reverse=True)
