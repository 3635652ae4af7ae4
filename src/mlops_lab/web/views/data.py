"""Data: every table with its rows, versions and contract; the rows that broke a contract, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import NotFound
from mlops_lab.intake.quarantine import describe_quarantine
from mlops_lab.tables.declared import TABLES
from mlops_lab.tables.fields import table_fields
from mlops_lab.tables.table import FixedColumn
from mlops_lab.web.view import Content, Source, View

SHOWN_VERSIONS = 20
_MEANINGS = {table.name: table for table in TABLES}
_COUNTS = ("num_added_rows", "num_copied_rows")


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """All tables, and what waits in quarantine; with `table`, everything about that one."""
    name = asked.get("table", "").strip()
    fields = table_fields(source.project)
    if not name:
        return {
            "table": None,
            "tables": [_summarise(source, each, fields) for each in dict.fromkeys([*fields, *source.lake.tables()])],
            "breaches": describe_quarantine(source.lake),
        }
    if name not in fields and name not in source.lake.tables():
        raise NotFound(
            f'there is no table "{name[:100]}"', code="unknown_table", where="table", hint="choose one from the list"
        )
    return {
        "table": _summarise(source, name, fields),
        "fields": [_describe_field(field) for field in fields.get(name, ())],
        "columns": _describe_columns(source, name),
        "versions": _list_versions(source, name),
        "breaches": [breach for breach in describe_quarantine(source.lake) if breach.table == name],
    }


def _summarise(source: Source, name: str, fields: Mapping[str, tuple[Field, ...]]) -> dict[str, Any]:
    """A table: what it holds, its newest version, and its rows and files, as its log tells them."""
    exists = source.lake.exists(name)
    files = source.lake.files(name) if exists else {}
    is_source = name == source.project.settings.source.table
    own = "Requests of the past, and how each ended." if is_source else "Facts that mlops.toml declares."
    return {
        "name": name,
        "meaning": _MEANINGS[name].meaning if name in _MEANINGS else own,
        "is_declared": name in fields,
        "version": source.lake.version(name) if exists else None,
        "rows": sum(file.rows for file in files.values()),
        "files": len(files),
        "mebibytes": sum(file.size_bytes for file in files.values()) / 2**20,
    }


def _describe_field(field: Field) -> dict[str, str]:
    """A field of the contract: its type, and what its values must be."""
    limits = [
        *([f"at least {field.min:g}"] if field.min is not None else []),
        *([f"at most {field.max:g}"] if field.max is not None else []),
        *([f"one of {', '.join(field.categories)}"] if field.categories else []),
        *([f"written as {field.format}"] if field.format else []),
        *([f"{field.default} where it is missing"] if field.default is not None else []),
    ]
    null = "may be null" if field.nullable else "never null"
    return {"name": field.name, "type": field.kind, "rules": "; ".join([null, *limits])}


def _describe_columns(source: Source, name: str) -> list[dict[str, str]]:
    """The columns of the stored table, and what those of a table of the loop mean."""
    table = _MEANINGS.get(name)
    fixed = [column for column in table.columns if isinstance(column, FixedColumn)] if table else []
    meanings = {column.name: column.meaning for column in fixed}
    schema = source.lake.schema(name)
    return [{"name": each, "type": str(dtype), "meaning": meanings.get(each, "")} for each, dtype in schema.items()]


def _list_versions(source: Source, name: str) -> list[dict[str, Any]]:
    """The newest versions of the table: when each was written, by what, and how many rows came."""
    if not source.lake.exists(name):
        return []
    commits = source.lake.open_table(name).history(SHOWN_VERSIONS)
    return [
        {
            "number": commit["version"],
            "at": datetime.fromtimestamp(commit["timestamp"] / 1000, UTC),
            "operation": str(commit.get("operation", "")).lower(),
            "rows": next((count for key in _COUNTS if (count := commit.get("operationMetrics", {}).get(key))), None),
        }
        for commit in commits
    ]


VIEW = View(name="data", title="Data", command="mlops contract check", query=query)
