"""The check of a table against its declared fields, with the place of each breach."""

from __future__ import annotations

import polars as pl

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import InvalidInput


def conform(frame: pl.DataFrame, fields: tuple[Field, ...], *, table: str) -> pl.DataFrame:
    """The declared columns of `frame`, in order, with their dtypes.

    InvalidInput for a missing or an unknown column, a value that does not fit its type, and a null where none
    may be; it names table, column and the first bad row (from 0).
    """
    names = [field.name for field in fields]
    if missing := [name for name in names if name not in frame.columns]:
        raise InvalidInput(
            f"column {_quote(missing)} is missing",
            code="missing_column",
            where=f'table "{table}"',
            hint=f"the data has {_quote(frame.columns)}; mend the data or the fields in mlops.toml",
        )
    if unknown := [name for name in frame.columns if name not in names]:
        raise InvalidInput(
            f"column {_quote(unknown)} is unknown",
            code="unknown_column",
            where=f'table "{table}"',
            hint="declare it in mlops.toml or drop it from the data",
        )
    frame = frame.select(_cast(frame[field.name], field, table) for field in fields)
    for field in fields:
        if not field.nullable and frame[field.name].null_count():
            row = frame[field.name].is_null().arg_max()
            raise InvalidInput(
                "is null, and may not be",
                code="null_value",
                where=f'table "{table}", row {row}, column "{field.name}"',
                hint=f'mend the data, or declare the field as "{field.kind}?"',
            )
    return frame


def check_unique(frame: pl.DataFrame, key: list[str], *, table: str) -> None:
    """Raise InvalidInput, naming the first repeated key, unless each key stands once."""
    repeated = frame.select(key).is_duplicated()
    if repeated.any():
        example = frame.select(key).row(int(repeated.arg_max() or 0))
        raise InvalidInput(
            f"{int(repeated.sum())} rows repeat their key, such as {example}",
            code="duplicate_key",
            where=f'table "{table}", key {_quote(key)}',
            hint="remove the repeated rows, or name the columns that tell rows apart",
        )


def _cast(column: pl.Series, field: Field, table: str) -> pl.Series:
    if column.dtype == field.dtype:
        return column
    fits = (
        column.null_count() == len(column)  # of whatever type: an empty column of a CSV is text
        or (field.kind == "float" and column.dtype.is_numeric())
        or (field.kind == "integer" and column.dtype.is_integer())
        or (field.kind == "datetime" and isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None)
        or (field.kind in {"string", "datetime"} and column.dtype == pl.String)
    )
    if field.kind == "datetime" and column.dtype == pl.String:
        parsed = column.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    elif fits:
        parsed = column.cast(field.dtype, strict=False)
    else:
        raise InvalidInput(
            f"holds {column.dtype}, expected {field.kind}",
            code="wrong_type",
            where=f'table "{table}", column "{field.name}"',
            hint="mend the data or the type in mlops.toml"
            + (" (a datetime needs a time zone)" if field.kind == "datetime" else ""),
        )
    bad = parsed.is_null() & column.is_not_null()
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InvalidInput(
            f"{column[row]!r} is not a {field.kind}",
            code="wrong_type",
            where=f'table "{table}", row {row}, column "{field.name}"',
            hint="mend the data or the type in mlops.toml",
        )
    return parsed


def _quote(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
