"""What identifies stored rows must not change under them: else they would be loaded again, or count as always known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import polars as pl

from mlops_lab.errors import Conflict
from mlops_lab.lake import Lake
from mlops_lab.project import Project


def check_identity(project: Project, lake: Lake) -> None:
    """Conflict where stored rows lack a column that identifies them by now, or the moment at which they were known, or
    where only a moment that is not declared any more tells them apart."""
    for table, key, column in _identity_columns(project):
        if lake.exists(table) and column not in lake.schema(table):
            raise identity_error(project, table, column, role=key)
    for name, section in project.settings.tables.items():
        if section.known_at is None and lake.exists(name):
            _check_is_unique(lake, name, section.key)


def identity_error(project: Project, table: str, column: str, *, role: str) -> Conflict:
    """The error about a column that identifies rows by now, and that the stored ones do not have."""
    other = "table = ..." if table == project.settings.source.table else "[tables.OTHER]"
    return Conflict(
        f'the stored rows have no column "{column}", which is now {role}',
        code="identity_changed",
        where=f'mlops.toml, table "{table}"',
        hint="keep its name, and give the column of the data that name with `rename`; or load the data into "
        f"another table: {other}",
    )


def check_types(lake: Lake, columns_by_table: Mapping[str, Collection[str]]) -> None:
    """InvalidInput where a value that is stored in one of these columns does not fit its type as it is declared now."""
    for table, columns in columns_by_table.items():
        stored, declared = lake.schema(table), lake.declared[table]
        others = [name for name in columns if name in stored and stored[name] != declared[name].dtype]
        if others:
            lake.read(table, columns=others)


def _identity_columns(project: Project) -> Iterator[tuple[str, str, str]]:
    """The table, what the column is, and the column."""
    source = project.settings.source
    for role in ("id", "time", "known_at"):
        yield source.table, f"`{role}`", getattr(source, role)
    for name, section in project.settings.tables.items():
        yield from ((name, "part of its `key`", column) for column in section.key)
        if section.known_at is not None:
            yield name, "`known_at`", section.known_at


def _check_is_unique(lake: Lake, table: str, key: list[str]) -> None:
    names = [*key, *(["received_at"] if "received_at" in lake.schema(table) else [])]
    rows = lake.read(table, columns=names)
    rows = rows.filter(pl.col("received_at").is_null()) if "received_at" in names else rows
    if rows.select(key).is_duplicated().any():
        raise Conflict(
            f"several stored rows have the same {' and '.join(key)}: only a moment, `known_at`, tells them apart",
            code="identity_changed",
            where=f'mlops.toml, table "{table}"',
            hint="declare known_at again, or load the data into another table",
        )
