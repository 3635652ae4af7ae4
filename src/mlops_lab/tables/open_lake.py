"""The lake of a project, whose tables are read as the project declares them now."""

from __future__ import annotations

from collections.abc import Iterable

from mlops_lab.contracts.fields import Field
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.schemas.evolution import Column
from mlops_lab.tables.declared import OUTCOMES, TABLES
from mlops_lab.tables.fields import table_fields


def open_lake(project: Project) -> Lake:
    """The project's lake. Its tables may have been written under an older `mlops.toml`, or by an older version."""
    declared = {table.name: {name: Column(dtype) for name, dtype in table.schema(project).items()} for table in TABLES}
    declared[OUTCOMES.name] |= _columns(OUTCOMES.project_fields(project))
    declared |= {name: _columns(fields) for name, fields in table_fields(project).items()}
    return Lake(project.lake_path, declared=declared)


def _columns(fields: Iterable[Field]) -> dict[str, Column]:
    return {field.name: Column(field.dtype, field.default) for field in fields}
