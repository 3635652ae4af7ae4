"""The rows of a table that have no value in a column: a range of moments does not hold them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlops_lab.lake.delta import Lake


def read_nulls(lake: Lake, table: str, column: str, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The rows with a null in a time column; with `columns`, these of their columns, of which it must be one. Only
    files that may have such rows are read."""
    files = [file.path for file in lake.bounds(table, column) if file.may_have_nulls]
    parts = [rows.filter(pl.col(column).is_null()) for rows in lake.read_files(table, files, columns=columns)]
    schema = {name: dtype for name, dtype in lake.schema(table).items() if columns is None or name in columns}
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)
