"""The columns of a table as they are wanted: their names, and dtypes that the rest of the project knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from mlops_lab.errors import InvalidInput


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a table's columns.

    `text`: those that are text whatever they look like (007); None: nobody has said yet, so look. `rename`: from
    the data's names to others. `skip`: names of the data that are left out. `only`: the (new) names that are taken;
    None: all of them.
    """

    text: frozenset[str] | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    skip: frozenset[str] = frozenset()
    only: frozenset[str] | None = None

    def left_out(self, names: Sequence[str]) -> list[str]:
        """Those of the (new) names that are not wanted."""
        skip = {self.rename.get(name, name) for name in self.skip}
        return [name for name in names if name in skip or (self.only is not None and name not in self.only)]


def settle_names(header: Sequence[str], where: str, wanted: Wanted) -> list[str]:
    """The columns' names, renamed; one without a name is called by its place. InvalidInput names those there twice."""
    cleaned = [name.strip() or f"column_{place}" for place, name in enumerate(header, 1)]
    names = [wanted.rename.get(name, name) for name in cleaned]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        shown = ", ".join(f'"{name}"' for name in twice[:5])
        raise InvalidInput(
            f"has {len(twice)} names more than once: {shown}" if len(twice) > 1 else f"has the column {shown} twice",
            code="duplicate_column",
            where=where,
            hint="give each column a name of its own",
        )
    return names


def rename_frame(frame: pl.DataFrame, where: str, wanted: Wanted) -> pl.DataFrame:
    """The columns that are wanted, under the names they are wanted by."""
    names = settle_names(frame.columns, where, wanted)
    return frame.rename(dict(zip(frame.columns, names, strict=True))).drop(wanted.left_out(names))


def settle_types(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """The frame in plain dtypes: categories as text, decimals as floats, NaN as null.

    InvalidInput names a column of lists, objects or bytes.
    """
    odd = [_settle(column, where) for column in frame.iter_columns() if not _is_plain(column.dtype)]
    frame = frame.with_columns(odd) if odd else frame
    floats = frame.select(pl.selectors.float().is_nan().any())
    holding = [column.name for column in floats.iter_columns() if column.item()]
    return frame.with_columns(pl.col(holding).fill_nan(None)) if holding else frame


def join_parts(parts: Sequence[tuple[str, pl.DataFrame]]) -> pl.DataFrame:
    """The rows of all parts, in their order. Each part comes with its name, for the errors: they must be alike."""
    first_name, first = parts[0]
    frames = []
    for name, part in parts:
        if missing := [column for column in first.columns if column not in part.columns]:
            raise _unlike(f'has no column "{missing[0]}", and {first_name} has one', name)
        if more := [column for column in part.columns if column not in first.columns]:
            raise _unlike(f'has a column "{more[0]}", and {first_name} has none', name)
        empty = [column for column in first.columns if part[column].null_count() == part.height]
        frames.append(part.select(first.columns).with_columns(pl.lit(None).alias(column) for column in empty))
    for column in first.columns:
        groups = {_family(frame.schema[column]) for frame in frames} - {"null"}
        if len(groups) > 1:
            held = next(frame.schema[column] for frame in frames if _family(frame.schema[column]) != "null")
            name, other = next(
                (name, frame.schema[column])
                for (name, _), frame in zip(parts, frames, strict=True)
                if _family(frame.schema[column]) not in {"null", _family(held)}
            )
            raise _unlike(f'the column "{column}" holds {other}, and {held} before', name)
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical_relaxed")


def _unlike(what: str, where: str) -> InvalidInput:
    return InvalidInput(what, code="mixed_types", where=where, hint="all parts need the same columns of the same types")


def _family(dtype: pl.DataType) -> str:
    """Dtypes of one family can stand in one column."""
    if dtype.is_numeric():
        return "number"
    return "moment" if dtype.is_temporal() else str(dtype).lower()


def _is_plain(dtype: pl.DataType) -> bool:
    odd = (pl.Binary, pl.Object, pl.Categorical, pl.Enum, pl.Time, pl.Decimal, pl.Duration, pl.Int128, pl.UInt128)
    return not dtype.is_nested() and not isinstance(dtype, odd)


def _settle(column: pl.Series, where: str) -> pl.Series:
    dtype = column.dtype
    if dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object):
        raise InvalidInput(
            f"holds {'bytes' if isinstance(dtype, pl.Binary) else 'lists or objects'}, expected single values",
            code="nested_column",
            where=f'{where}, column "{column.name}"',
            hint="write one column for each value, or leave it out",
        )
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Duration):
        return column.dt.total_microseconds() / 1e6
    return column.cast(pl.String)
