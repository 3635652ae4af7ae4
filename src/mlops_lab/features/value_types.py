"""The dtypes of a view's values, and whether the view fits the table it reads."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.features.aggregates import Scalar
from mlops_lab.features.view import View


def value_types(view: View, tables: Mapping[str, Mapping[str, pl.DataType]]) -> dict[str, pl.DataType]:
    """The dtype of each value; InvalidInput names a table, a column or a default that does not fit."""
    columns = tables.get(view.table)
    if columns is None:
        raise InvalidInput(
            f'there is no table "{view.table}"',
            code="unknown_table",
            where=f'view "{view.name}"',
            hint=f"declare it in mlops.toml; known: {', '.join(sorted(tables))}",
        )
    types: dict[str, pl.DataType] = {}
    for name, aggregate in view.values.items():
        for column in (*view.keys.values(), aggregate.column):
            if column not in columns:
                raise InvalidInput(
                    f'table "{view.table}" has no column "{column}"',
                    code="unknown_column",
                    where=f'view "{view.name}", value "{name}"',
                    hint=f"it has {', '.join(columns)}",
                )
        dtype = columns[aggregate.column]
        is_number = dtype.is_numeric() or dtype == pl.Boolean
        if (aggregate.how in {"sum", "mean", "std"} and not is_number) or (
            aggregate.how in {"min", "max"} and not dtype.is_numeric() and not dtype.is_temporal()
        ):
            what = f'{aggregate.how} needs numbers, and "{aggregate.column}" is {dtype}'
            raise misfit_error(what, view, name, "count it, or take its last value")
        types[name] = dtype if aggregate.how in {"last", "min", "max"} else pl.Float64()
        _check_fits(aggregate.of, dtype, view, name, "of=")
    for name, default in zip(view.values, view.defaults, strict=True):
        _check_fits(default, types[name], view, name, "missing=")
    return types


def misfit_error(what: str, view: View, value: str, hint: str) -> InvalidInput:
    """The error about one value of a view."""
    return InvalidInput(what, code="bad_view", where=f'view "{view.name}", value "{value}"', hint=hint)


def _check_fits(value: Scalar, dtype: pl.DataType, view: View, name: str, option: str) -> None:
    kinds: type | tuple[type, ...] = str
    if dtype == pl.Boolean:
        kinds = bool
    elif dtype.is_numeric():
        kinds = int if dtype.is_integer() else (int, float)
    fits = isinstance(value, kinds) and isinstance(value, bool) == (dtype == pl.Boolean)
    if value is not None and not fits:
        raise misfit_error(f"{option}{value!r} does not fit {dtype}", view, name, "give it the type of its column")
