"""Exact casts: a column or a value in another type, only where every value stays the same.

Schemas change under a running project. What was stored as one type is then read, or stored on, as another: by the
casts of this module, and never where a value would be lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

MOMENT = pl.Datetime("us", "UTC")
_MOMENT_TEXT = "%Y-%m-%dT%H:%M:%S%.6fZ"
_LEADING_ZERO = r"^[+-]?0\d"
_NATURAL: dict[type, pl.DataType] = {
    str: pl.String(),
    bool: pl.Boolean(),
    int: pl.Int64(),
    float: pl.Float64(),
    datetime: MOMENT,
    list: pl.List(pl.Float64()),
}


def cast_exactly(column: pl.Series, dtype: pl.DataType) -> tuple[pl.Series, int | None]:
    """The column as `dtype`, and the index of the first value that it cannot hold unchanged (it is null there); None
    where it holds all.

    Numbers, booleans and moments become text, and text that was written like that becomes them again; a number becomes
    another kind of number where it has the same value. A text with a leading zero is a code and no number.
    """
    if column.dtype == dtype:
        return column, None
    if column.null_count() == len(column):
        return pl.Series(column.name, [None] * len(column), dtype=dtype), None
    cast = _cast(column, dtype)
    if cast is None:
        return pl.Series(column.name, [None] * len(column), dtype=dtype), int(column.is_not_null().arg_max() or 0)
    is_lost = column.is_not_null() & cast.is_null()
    if column.dtype == pl.String and dtype.is_numeric():
        is_lost |= column.str.contains(_LEADING_ZERO).fill_null(value=False)
        is_lost |= ~cast.is_finite().fill_null(value=True) if dtype.is_float() else False
    elif (back := _cast(cast, column.dtype)) is not None:
        is_lost |= back.ne_missing(column)
    return cast.set(is_lost, None), int(is_lost.arg_max() or 0) if is_lost.any() else None


def cast_value(value: Any, dtype: pl.DataType) -> Any:
    """One value as `cast_exactly` gives it; ValueError where `dtype` cannot hold it unchanged."""
    if value is None or _NATURAL.get(type(value)) == dtype:
        return value
    cast, lost = cast_exactly(make_column("", [value]), dtype)
    if lost is not None:
        raise ValueError(f"{value!r} cannot be a {dtype}")
    return cast.item()


def make_column(name: str, values: Sequence[Any], preferred: pl.DataType | None = None) -> pl.Series:
    """The values as a column: of the preferred type where it holds all of them unchanged; else of their own type, which
    for values of several types is text."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pl.Series(name, values, dtype=preferred or pl.Float64())
    own = {_NATURAL[kind] for kind in kinds}
    if own == {preferred}:
        return pl.Series(name, values, dtype=preferred)
    if len(own) == 1:
        column = pl.Series(name, values, dtype=own.pop())
    elif kinds == {int, float}:
        column = _make_numbers(name, values)
    else:
        column = pl.Series(name, [None if value is None else _to_text(value) for value in values], dtype=pl.String())
    if preferred is None:
        return column
    cast, lost = cast_exactly(column, preferred)
    return column if lost is not None else cast


def join_types(new: pl.Series, old: pl.Series) -> pl.DataType:
    """A type that holds the values of both columns unchanged: that of the new one, that of the old one, or text."""
    for dtype in (new.dtype, old.dtype, pl.Float64()):
        if all(cast_exactly(column, dtype)[1] is None for column in (new, old)):
            return dtype
    return pl.String()


def _make_numbers(name: str, values: Sequence[Any]) -> pl.Series:
    numbers = pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64())
    is_same = all(value is None or float(value) == value for value in values)
    return numbers if is_same else pl.Series(name, [None if v is None else _to_text(v) for v in values])


def _to_text(value: Any) -> str:
    text, _ = cast_exactly(pl.Series([value], dtype=_NATURAL[type(value)]), pl.String())
    return str(text.item())


def _cast(column: pl.Series, dtype: pl.DataType) -> pl.Series | None:
    """The column as `dtype`, null where a value does not fit; None where no value of its type can."""
    is_text, is_moment = column.dtype == pl.String, isinstance(column.dtype, pl.Datetime)
    if isinstance(dtype, pl.Datetime):
        if is_moment:
            return column.cast(dtype)
        return column.str.to_datetime(_MOMENT_TEXT, time_unit="us", time_zone="UTC", strict=False) if is_text else None
    if is_moment:
        return column.dt.to_string(_MOMENT_TEXT) if dtype == pl.String else None
    if column.dtype.is_nested() or dtype.is_nested():
        return _cast_nested(column, dtype)
    if is_text and dtype == pl.Boolean:
        return column.replace_strict(["true", "false"], [True, False], default=None, return_dtype=pl.Boolean)
    return column.cast(dtype, strict=False)


def _cast_nested(column: pl.Series, dtype: pl.DataType) -> pl.Series | None:
    """Lists of numbers become other lists of numbers, or text; nothing else becomes a list."""
    if column.dtype.is_nested() and dtype == pl.String:
        numbers = column.list.eval(pl.element().cast(pl.String)).list.join(",")
        return pl.select(pl.format("[{}]", numbers)).to_series().alias(column.name)
    return column.cast(dtype, strict=False) if column.dtype.is_nested() and dtype.is_nested() else None


def complete_columns(rows: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The rows with all columns of a schema: what is gone is null; what has another type is cast exactly, or null."""
    other = {name: dtype for name, dtype in schema.items() if rows.schema.get(name, dtype) != dtype}
    changed = [cast_exactly(rows[name], dtype)[0] for name, dtype in other.items()]
    gone = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns]
    return rows.with_columns(*changed, *gone)
