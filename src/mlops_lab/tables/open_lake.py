"""The lake of a project, whose tables are read as the project declares them now."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable

import msgspec

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.lake import Lake
from mlops_lab.lake.commits import LocalCommits, StoredCommits
from mlops_lab.lake.copy_notes import end_copy, fetched_seconds_ago, is_copy, note_away
from mlops_lab.lake.durability import holds_no_rows, incomplete_tables, undo_incomplete
from mlops_lab.lake.mirror import Mirror
from mlops_lab.lake.object_store import UNREACHABLE, ObjectStore
from mlops_lab.project import Project
from mlops_lab.schemas.evolution import Column
from mlops_lab.tables.declared import DECISIONS, OUTCOMES, TABLES
from mlops_lab.tables.fields import table_fields

_FRESH_SECONDS = 2.0
"""A copy that was brought up to date so short a time ago is read as it is. Whoever commits looks again."""


def open_lake(project: Project) -> Lake:
    """The project's lake. Its tables may have been written under an older `mlops.toml`, or by an older version.

    Commits that a power cut, or a copy of the project while it was in use, has left half there are undone first. The
    journal holds what they held: the intake adds it again.
    """
    commits = _open_commits(project)
    declared = {table.name: {name: Column(dtype) for name, dtype in table.schema(project).items()} for table in TABLES}
    declared[OUTCOMES.name] |= _columns(OUTCOMES.project_fields(project))
    declared |= {name: _columns(fields) for name, fields in table_fields(project).items()}
    return Lake(project.lake_path, declared=declared, commits=commits)


def _open_commits(project: Project) -> LocalCommits:
    """Where commits to the project's tables are made. What is only half there is undone, or fetched again."""
    uri = project.settings.lake.uri
    if uri:
        return _open_stored(project, uri)
    if is_copy(project.lake_path):  # until now
        Lake(project.lake_path).sync()
        end_copy(project.lake_path)
    _undo_incomplete(project)
    return LocalCommits(project.lake_path)


def _open_stored(project: Project, uri: str) -> StoredCommits:
    """The tables in an object store, with the copy of them up to date; where the store is away, as it was last seen."""
    mirror, is_fresh = Mirror(ObjectStore(uri), project.lake_path), False
    if is_copy(project.lake_path):
        damaged = _incomplete(project)
        for name in damaged:
            mirror.drop_copy(name)
        is_fresh = not damaged and fetched_seconds_ago(mirror.lake) < _FRESH_SECONDS
    else:
        _undo_incomplete(project)
    try:
        if mirror.begin() or not is_fresh:
            mirror.fetch_all()
    except EnvironmentFault as fault:
        if fault.code != UNREACHABLE or not is_copy(project.lake_path):
            raise
        note_away(project.lake_path, fault.what)
    return StoredCommits(mirror)


def read_undone(project: Project) -> dict[str, list[str]]:
    """The tables of which commits were undone, until the intake has completed them; the files that were missing."""
    try:
        return msgspec.json.decode(project.undone_path.read_bytes(), type=dict[str, list[str]])
    except (OSError, msgspec.MsgspecError):
        return {}


def _undo_incomplete(project: Project) -> None:
    if not _incomplete(project):
        return
    try:
        with (project.home / "undo.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tables = _incomplete(project)  # another process may have done it meanwhile
            lost = {table: files for table, files in tables.items() if not holds_no_rows(project.lake_path / table)}
            if lost:
                write_atomically(project.undone_path, msgspec.json.encode({**read_undone(project), **lost}))
            for table in tables:
                undo_incomplete(project.lake_path / table, aside=project.home / "set_aside")
    except OSError as error:
        raise disk_fault(error, project.lake_path) from error


def _incomplete(project: Project) -> dict[str, list[str]]:
    return incomplete_tables(project.lake_path, kept=[DECISIONS.name])  # without any, nothing would be live


def _columns(fields: Iterable[Field]) -> dict[str, Column]:
    return {field.name: Column(field.dtype, field.default) for field in fields}
