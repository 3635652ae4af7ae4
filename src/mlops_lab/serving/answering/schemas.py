"""The schemas of a project: types of its requests, outcomes and rows, made from its contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mlops_lab.contracts.fields import Field, make_struct, parse_fields
from mlops_lab.contracts.rules import rules_of
from mlops_lab.errors import NotFound
from mlops_lab.project import Project
from mlops_lab.tables.fields import submitted_fields, table_fields


class Schemas:
    """The msgspec structs that a project's server decodes, and what identifies a row of a table."""

    def __init__(self, project: Project) -> None:
        source, tables = project.settings.source, project.settings.tables
        self.fields = parse_fields(source.request, where="source.request")
        """The fields of a request, in order; a request may have an `id` as well."""
        if project.timed_by_arrival:
            self.fields = (*self.fields, Field(source.time, "datetime", nullable=True))
        self.names = [field.name for field in self.fields]
        self.request = make_struct("Request", self.fields, past=[source.time], id=str)
        self.outcome = make_struct("Outcome", submitted_fields(project), past=["known_at"])
        self.outcome_names = [field.name for field in parse_fields(source.outcome, where="source.outcome")]
        self.table_fields = table_fields(project)
        """The fields of every table, the source table included."""
        fields = {name: self.table_fields[name] for name in tables}
        self.rules = {name: rules_of(columns) for name, columns in fields.items()}
        self.rows = {
            name: make_struct(
                name,
                fields[name],
                past=[table.known_at] if table.known_at else [],
                strict=False,  # a row that breaks a rule is set aside, and the others are accepted
            )
            for name, table in tables.items()
        }
        self.keys = {name: table.key for name, table in tables.items()}
        self.known_at = {name: table.known_at for name, table in tables.items()}

    def row_type(self, table: str) -> type[msgspec.Struct]:
        """The struct of a table's rows; NotFound lists the tables of the project."""
        if table not in self.rows:
            raise NotFound(
                f'there is no table "{table}"',
                code="unknown_table",
                where=f"/v1/tables/{table}/rows",
                hint=f"the tables that accept rows: {', '.join(sorted(self.rows)) or 'none'}",
            )
        return self.rows[table]

    def identity(self, table: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """What identifies a fact: its key and its moment. Two rows with the same identity report the same fact."""
        key = tuple(row[name] for name in self.keys[table])
        column = self.known_at[table]
        return (*key, row[column]) if column else key
