"""Rows that were stored under another schema, read as the project declares them now.

A column that was not there yet is null, or has its default. Another type is read by an exact cast, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.schemas.casts import cast_exactly


@dataclass(frozen=True)
class Column:
    """A column as it is declared: its type, and the value of rows from before it was declared (None: null)."""

    dtype: pl.DataType
    default: Any = None


def as_declared(
    rows: pl.DataFrame, declared: Mapping[str, Column], *, table: str, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """The rows with all declared columns, each with its declared type; with `columns`, only these and in this order.

    Columns that are not declared any more stay as they are. InvalidInput where a stored value does not fit its column.
    """
    changed = []
    for name, column in declared.items():
        if columns is not None and name not in columns:
            continue
        if name not in rows.columns:
            changed.append(pl.Series(name, [column.default], dtype=column.dtype).new_from_index(0, rows.height))
            continue
        stored = rows[name]
        if stored.dtype != column.dtype:
            cast, lost = cast_exactly(stored, column.dtype)
            if lost is not None:
                raise misfit_error(table, name, stored, lost=lost, dtype=column.dtype)
            stored = cast
        elif column.default is None or not stored.null_count():
            continue
        changed.append(stored if column.default is None else stored.fill_null(column.default))
    rows = rows.with_columns(changed) if changed else rows
    if columns is None:
        return rows
    if missing := [name for name in columns if name not in rows.columns]:
        raise EnvironmentFault(
            f'the column "{missing[0]}" is missing',
            code="lake_fault",
            where=f'table "{table}"',
            hint="restore the table from a backup",
        )
    return rows.select(columns)


def misfit_error(table: str, column: str, stored: pl.Series, *, lost: int, dtype: pl.DataType) -> InvalidInput:
    """The error about a stored value that its column cannot hold as it is declared now."""
    return InvalidInput(
        f"the stored value {stored[lost]!r} is no {_NAMES.get(dtype, str(dtype))}",
        code="type_changed",
        where=f'table "{table}", column "{column}"',
        hint=f'declare the type that it has ("{_NAMES.get(stored.dtype, stored.dtype)}"), and give values of the new '
        "type a field with another name; `mlops contract diff` lists such changes",
    )


_NAMES: dict[pl.DataType, str] = {
    pl.String(): "string",
    pl.Int64(): "integer",
    pl.Float64(): "float",
    pl.Boolean(): "boolean",
    pl.Datetime("us", "UTC"): "datetime",
}
