"""A backup of a project while its server and its loop are at work: nothing waits, and nothing is missing.

Whatever is written goes from one place to the next: from the journal into the tables, and into `predictions` last; a
decision before the measurements it was made on. The copy takes these places against that direction, so that each holds
at least what the ones copied before it rely on; and the journal twice, at the beginning and at the end, so that it
still holds what was moved into tables meanwhile. Opening the copy is then like going on after a kill.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path

import msgspec

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.files import disk_fault, sync_file, sync_folder, write_atomically
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.segments import segment_name, segments
from mlops_lab.journal.workers import worker_paths
from mlops_lab.lake import Lake
from mlops_lab.lake.durability import copy_table
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import head_path
from mlops_lab.tables.declared import (
    ALERT_DELIVERIES,
    ALERT_EVENTS,
    ALERTS,
    DECISIONS,
    LOG_DIGESTS,
    MEASUREMENTS,
    PREDICTIONS,
)
from mlops_lab.tables.open_lake import open_lake

MANIFEST = "mlops-backup.json"
CONTENT = "project"
FORMAT = 1
_FIRST = [ALERT_DELIVERIES.name, ALERT_EVENTS.name, ALERTS.name, MEASUREMENTS.name, DECISIONS.name, PREDICTIONS.name]
"""The tables that rely on others, in the order in which they are copied."""
_LAST = [LOG_DIGESTS.name]
_LEFT_OUT = {".venv", "__pycache__"}
_NOT_COPIED = (
    "lake",
    "leases",
    "journal",
    "ids",
    "serving",
    "workers",
    "downloads",
    "deployment.json",
    "positions.json",
    "server.json",
)
"""In `.mlops`: what is copied by itself, and what is made again from the tables."""
_ATTEMPTS = 5


class BackupFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a backup, by its path in the project; `link`: what it points to, if it is a symbolic link."""

    path: str
    bytes: int = 0
    sha256: str = ""
    link: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. It is written last: a folder without it is no backup."""

    format: int = FORMAT
    project: str
    made_at: datetime
    mlops_lab: str
    files: tuple[BackupFile, ...]

    @property
    def total_bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)


def make_backup(project: Project, folder: Path) -> Manifest:
    """Write a backup of the project into a new or empty folder.

    It holds everything that was acknowledged before, and is on the disk when this returns. InvalidInput, and nothing is
    written, where the folder is not empty or part of the project.
    """
    check_empty(folder)
    if folder.resolve().is_relative_to(project.root):
        raise InvalidInput(
            "is inside of the project", code="bad_folder", where=str(folder), hint="choose a folder elsewhere"
        )
    lake, made_at = open_lake(project), clock.now()
    ingest_journal(project, lake)
    content = folder / CONTENT
    try:
        content.mkdir(parents=True)
        copy_journals(project, content)
        copy_tables(project, lake, content)
        _copy_others(project, content)
        copy_journals(project, content)
        files = tuple(describe_file(path, content) for path in _files_in(content))
        sync_tree(content)
        manifest = Manifest(project=project.name, made_at=made_at, mlops_lab=version("mlops-lab"), files=files)
        write_atomically(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        sync_folder(folder)
    except OSError as error:
        raise disk_fault(error, folder) from error
    return manifest


def check_empty(folder: Path) -> None:
    """InvalidInput where the folder holds anything, or is a file."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(
            "is not an empty folder",
            code="not_empty",
            where=str(folder),
            hint="name a new or empty folder: nothing is overwritten",
        )


def describe_file(path: Path, content: Path) -> BackupFile:
    """What the manifest says of a file that was copied into a backup."""
    name = str(path.relative_to(content))
    if path.is_symlink():
        return BackupFile(path=name, link=os.readlink(path))
    with path.open("rb") as file:
        return BackupFile(path=name, bytes=path.stat().st_size, sha256=file_digest(file, "sha256").hexdigest())


def sync_tree(folder: Path) -> None:
    """Bring all files of a folder to the disk, and their names."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            sync_folder(path)
        elif path.is_file():
            sync_file(path)


def copy_tables(project: Project, lake: Lake, content: Path) -> None:
    """Copy all tables below `content`, each to the place that it has in the project, while others append to them."""
    present = lake.tables()
    with suppress(FileNotFoundError):  # before the decisions: they may be more than the head says, but not fewer
        target = content / head_path(lake).relative_to(project.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(head_path(lake), target)
    others = [name for name in present if name not in {*_FIRST, *_LAST}]
    for name in [name for name in (*_FIRST, *others, *_LAST) if name in present]:
        target = content / lake.table_path(name).relative_to(project.root)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                copy_table(lake.table_path(name), target)
                break
            except FileNotFoundError:  # the loop has put its files together, and deleted them
                shutil.rmtree(target, ignore_errors=True)
                if attempt == _ATTEMPTS:
                    raise EnvironmentFault(
                        "its files are being replaced all the time",
                        code="table_busy",
                        where=f'table "{name}"',
                        hint="run it again when the loop has less to do",
                    ) from None


def copy_journals(project: Project, content: Path) -> None:
    """Copy the segments that are new or have grown since the last time. Those that are deleted meanwhile are in the
    tables, which are copied later."""
    for path in worker_paths(project.journal_path):
        target = content / path.relative_to(project.root)
        target.mkdir(parents=True, exist_ok=True)
        grown = max(segments(target), default=0)
        names = [segment_name(start) for start in segments(path) if start >= grown]
        names += [marker.name for marker in path.glob("*.epoch")]
        for name in names:
            with suppress(FileNotFoundError):
                shutil.copy2(path / name, target / name)


def _copy_others(project: Project, content: Path) -> None:
    """Copy what is neither a table nor a journal; files that vanish meanwhile were temporary."""
    for path in _files_in(project.root):
        name = path.relative_to(project.root)
        if _LEFT_OUT & {*name.parts} or path.suffix == ".lock" or _is_made_again(project, path):
            continue
        target = content / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if _is_database(path):
                _copy_database(path, target)
            elif path.is_symlink() or stat.S_ISREG(path.stat().st_mode):
                shutil.copy2(path, target, follow_symlinks=False)


def _is_made_again(project: Project, path: Path) -> bool:
    return any(path.is_relative_to(project.home / name) for name in _NOT_COPIED)


def _files_in(folder: Path) -> Iterator[Path]:
    """All files below a folder, and the links to folders."""
    for parent, folders, files in os.walk(folder):
        for name in sorted([*files, *(name for name in folders if (Path(parent) / name).is_symlink())]):
            yield Path(parent) / name


def _is_database(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _copy_database(path: Path, target: Path) -> None:
    """Copy a SQLite database as it is between two transactions."""
    with (
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
    shutil.copymode(path, target)
