"""Data that was copied into a project from a DVC repository, and beside it the record of where it came from."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from mlops_lab.errors import InvalidInput
from mlops_lab.files import write_atomically
from mlops_lab.ids import hash_json

FOLDER = "data"
_FORMAT = 1


class DataState(StrEnum):
    """How the data that was brought compares with what was there."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


class DataOrigin(Struct, frozen=True, kw_only=True):
    """`data/NAME.origin.json`. `dvc_hash`: DVC's, of the whole output; null where it has none. `sha256`: that of the
    copy, to see whether it was changed here."""

    format: int = _FORMAT
    repository: str
    path: str
    commit: str
    dvc_hash: str | None
    sha256: str


def hash_content(path: Path) -> str:
    """SHA-256, in hex, of a file; of a folder: of the names and hashes of its files."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return hash_json([[file.relative_to(path).as_posix(), hash_content(file)] for file in files])
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def place_data(root: Path, copy: Path, origin: DataOrigin) -> DataState:
    """Move the copy into the project's folder `data`, with its record; how it compares with what was there.

    InvalidInput, and nothing is changed, where that would replace what did not come from DVC, or was changed since.
    """
    target = root / FOLDER / copy.name
    record = target.with_name(f"{target.name}.origin.json")
    state = _compare(target, record, origin)
    if state is not DataState.SAME:
        target.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".import-") as scratch:
            new = Path(shutil.move(copy, Path(scratch) / "new"))
            if target.is_dir() or (new.is_dir() and target.exists()):
                os.replace(target, Path(scratch) / "old")
            os.replace(new, target)
    write_atomically(record, msgspec.json.format(msgspec.json.encode(origin)) + b"\n")
    return state


def _compare(target: Path, record: Path, origin: DataOrigin) -> DataState:
    if not target.exists():
        return DataState.NEW
    found = hash_content(target)
    if found == origin.sha256:
        return DataState.SAME
    if found != _read_hash(record):
        raise InvalidInput(
            "is there already, and is not what was imported before",
            code="file_exists",
            where=str(target),
            hint="move it away, and import again; nothing was changed",
        )
    return DataState.CHANGED


def _read_hash(record: Path) -> str | None:
    """The hash of the copy that the record is about; None where there is no such record."""
    try:
        return msgspec.json.decode(record.read_bytes(), type=DataOrigin).sha256
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
