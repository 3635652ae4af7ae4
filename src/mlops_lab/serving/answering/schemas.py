"""The schemas of a project: types of its requests, outcomes and rows, made from its contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mlops_lab.contracts.fields import Field, make_row_types, make_struct, parse_fields
from mlops_lab.contracts.rules import rules_of
from mlops_lab.errors import NotFound
from mlops_lab.project import Project
from mlops_lab.tables.fields import row_keys, submitted_fields, table_fields


class Schemas:
    """The msgspec structs that a project's server decodes, and what identifies a row of a table."""

    def __init__(self, project: Project) -> None:
        source, tables = project.settings.source, project.settings.tables
        self.fields = parse_fields(source.request, where="source.request")
        """The fields of a request, in order; a request may have an `id` as well."""
        if project.timed_by_arrival:
            self.fields = (*self.fields, Field(source.time, "datetime", nullable=True))
        self.names = [field.name for field in self.fields]
        self.requests = make_row_types("Request", self.fields, past=[source.time], id=str)
        self.request = self.requests.checked
        self.outcome = make_struct("Outcome", submitted_fields(project), past=["known_at"])
        self.outcome_names = [field.name for field in parse_fields(source.outcome, where="source.outcome")]
        self.table_fields = table_fields(project)
        """The fields of every table, the source table included."""
        self.identities = row_keys(project)
        """By table that takes rows, the columns of `identity`."""
        self.row_fields = {name: fields for name, fields in self.table_fields.items() if name in self.identities}
        """By table that takes rows, the fields of a row. A row of the source table is a request with its outcome."""
        self.rules = {name: rules_of(fields) for name, fields in self.row_fields.items()}
        self.known_at = {source.table: source.known_at, **{name: table.known_at for name, table in tables.items()}}
        self.rows = {
            name: make_struct(
                name,
                fields,
                past=[column] if (column := self.known_at[name]) else [],
                strict=False,  # a row that breaks a rule is set aside, and the others are accepted
            )
            for name, fields in self.row_fields.items()
        }
        self.keys = {source.table: [source.id], **{name: table.key for name, table in tables.items()}}

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
        """What identifies a fact: its key and its moment, or the id of its request. Two rows with the same identity
        report the same fact."""
        return tuple(row[name] for name in self.identities[table])
