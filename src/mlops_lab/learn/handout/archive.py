"""`mlops learn export --to zip`: one file for all, or one for each student, with other hidden data in each."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.folder import fill_new_folder
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.folder import FOLDER
from mlops_lab.learn.handout.folder import fill
from mlops_lab.learn.handout.selection import seed_of


def write_zip(path: Path, exercises: Sequence[Exercise], *, seed: int, requirement: str) -> None:
    """Write a zip file with the folder `mlops-learn`; InvalidInput where there is a file already."""
    if path.exists():
        hint = "name a new file; with --students, a new folder"
        raise InvalidInput("is there already", code="file_taken", where=str(path), hint=hint)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, pack(exercises, seed=seed, requirement=requirement))
    except OSError as error:
        raise disk_fault(error, path) from error


def write_zips(
    folder: Path, exercises: Sequence[Exercise], students: Sequence[str], *, seed: int, requirement: str
) -> None:
    """Write a zip file for each student into a new folder."""
    with fill_new_folder(folder) as draft:
        for student in students:
            packed = pack(exercises, seed=seed_of(student, seed), requirement=requirement)
            (draft / f"{student}.zip").write_bytes(packed)


def pack(exercises: Sequence[Exercise], *, seed: int, requirement: str) -> bytes:
    """The content of a zip file with the folder `mlops-learn`."""
    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        folder = Path(name) / FOLDER
        folder.mkdir()
        fill(folder, exercises, seed=seed, requirement=requirement)
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(name))
    return content.getvalue()
