"""The lake of a project, whose tables are read as the project declares them now."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable

import msgspec

from mlops_lab.contracts.fields import Field
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.lake import Lake
from mlops_lab.lake.durability import holds_no_rows, incomplete_tables, undo_incomplete
from mlops_lab.project import Project
from mlops_lab.schemas.evolution import Column
from mlops_lab.tables.declared import DECISIONS, OUTCOMES, TABLES
from mlops_lab.tables.fields import table_fields


def open_lake(project: Project) -> Lake:
    """The project's lake. Its tables may have been written under an older `mlops.toml`, or by an older version.

    Commits that a power cut, or a copy of the project while it was in use, has left half there are undone first. The
    journal holds what they held: the intake adds it again.
    """
    _undo_incomplete(project)
    declared = {table.name: {name: Column(dtype) for name, dtype in table.schema(project).items()} for table in TABLES}
    declared[OUTCOMES.name] |= _columns(OUTCOMES.project_fields(project))
    declared |= {name: _columns(fields) for name, fields in table_fields(project).items()}
    return Lake(project.lake_path, declared=declared)


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
