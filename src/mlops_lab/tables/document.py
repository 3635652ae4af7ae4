"""docs/tables.md, made from the declarations: what each table holds, and what is promised about its appends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mlops_lab.tables.declared import TABLES
from mlops_lab.tables.table import FixedColumn, ProjectColumns, Table

_INTRODUCTION = """# Tables

Requests, answers, measurements and decisions are stored in Delta tables below `.mlops/lake`, one folder a table. Rows
are only ever appended. Every tool for Delta tables can read them: `polars.read_delta(".mlops/lake/predictions")`.

This page is made from `src/mlops_lab/tables/declared.py`. Do not edit it: run `make schema`.

## Tables of the project

| table | what it holds | time | written by | what makes an append happen once |
|---|---|---|---|---|
| the source table: `table` in `[source]` | The past: requests whose outcome is known. | its `known_at` column | \
whatever trains (`mlops run`, `mlops up`, `mlops tune`), from the data file; intake, from the journal | the row's id |
| each table in `[tables]` | Facts from elsewhere that features look up. | its `known_at` column, if it has one | \
whatever trains, from the data file; intake, from the journal | from the data file, the row's `key` and `known_at`; \
from the journal, the position in it |

The source table has the column of the id, the request's fields, the column of the moment at which the outcome became
known, and the outcome's fields. A table in `[tables]` has its `fields`. Both have the column `received_at` once rows
were added after the first load: features see such a row from the later of the two moments. Outcomes that are submitted
later are in `outcomes`, not in the source table; training and features use both. A request that no server of the
project answered becomes a row of the source table once its outcome is known: see [Serving](serving.md#ground-truth).

## Tables that MLOps Lab writes
"""
_TYPES: dict[pl.DataType, str] = {pl.String(): "text", pl.Int64(): "whole number", pl.Float64(): "number"}


def render_tables(tables: Sequence[Table] = TABLES) -> str:
    """The page in Markdown: a table of the tables, then the columns of each."""
    overview = [
        "| table | what it holds | time | written by | what makes an append happen once |",
        "|---|---|---|---|---|",
        *(_render_summary(table) for table in tables),
    ]
    return "\n".join([_INTRODUCTION, *overview, *(_render_table(table) for table in tables)]) + "\n"


def _render_summary(table: Table) -> str:
    name = f"[`{table.name}`](#{table.name})"
    return f"| {name} | {table.meaning} | `{table.time}` | {table.written_by} | {table.once} |"


def _render_table(table: Table) -> str:
    lines = [f"\n### {table.name}", "", table.meaning, "", "| column | type | meaning |", "|---|---|---|"]
    return "\n".join([*lines, *(_render_column(column) for column in table.columns)])


def _render_column(column: FixedColumn | ProjectColumns) -> str:
    if isinstance(column, ProjectColumns):
        types = "as the project declares them" if column.fields else "as they are computed"
        return f"| … | {types} | {column.meaning} |"
    return f"| `{column.name}` | {_render_type(column.dtype)} | {column.meaning} |"


def _render_type(dtype: pl.DataType | None) -> str:
    """The type of a column in words."""
    if dtype is None:
        return "number; of a project with several classes, list of numbers"
    return "moment (UTC, microseconds)" if isinstance(dtype, pl.Datetime) else _TYPES[dtype]


if __name__ == "__main__":  # `make schema`
    Path(sys.argv[1]).write_text(render_tables(), encoding="utf-8")
