"""The columns of a table that was read: which are selected, their names, and dtypes that the project supports."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.read_options import DETECT, ReadOptions
from mlops_lab.lake.text_values import MISSING_TEXTS
from mlops_lab.notes import tell


@dataclass(frozen=True)
class ColumnSelection:
    """Which columns of a table to read, and how.

    `text`: the columns that are text even where they look like numbers (007); None: types are not declared, so guess.
    `rename`: from the names in the data to new ones. `skip`: names in the data that are not read. `only`: the (new)
    names that are read; None: all of them. `options`: how the file is written. `must_have`: names that the data must
    have, by the flag that names them.
    """

    text: frozenset[str] | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    skip: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    options: ReadOptions = DETECT
    must_have: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def excluded(self, names: Sequence[str]) -> list[str]:
        """Those of the (new) names that are not selected."""
        skip = {self.rename.get(name, name) for name in self.skip}
        return [name for name in names if name in skip or (self.only is not None and name not in self.only)]


def unknown_column(name: str, names: Sequence[str], option: str) -> InvalidInput:
    """The error of an option that names a column which the data does not have; the hint suggests similar names."""
    similar = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    lowered = [other for other in names if other.lower() == name.lower()]
    close = lowered or similar
    hint = f"did you mean {', '.join(close)}?" if close else f"the data has {', '.join(names[:20])}"
    return InvalidInput(f'there is no column "{name}"', code="unknown_column", where=option, hint=hint)


def resolve_names(header: Sequence[str], where: str, selection: ColumnSelection) -> list[str]:
    """The new names of the columns; one without a name is called `column_N`. InvalidInput lists repeated names."""
    cleaned = [name.strip() or f"column_{number}" for number, name in enumerate(header, 1)]
    for flag, wanted in selection.must_have.items():
        if unknown := sorted(wanted - set(cleaned)):
            raise unknown_column(unknown[0], cleaned, flag)
    names = [selection.rename.get(name, name) for name in cleaned]
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        examples = ", ".join(f'"{name}"' for name in repeated[:5])
        raise InvalidInput(
            f"has {len(repeated)} column names more than once: {examples}"
            if len(repeated) > 1
            else f"has the column {examples} more than once",
            code="duplicate_column",
            where=where,
            hint="give each column a different name",
        )
    return names


def select_columns(frame: pl.DataFrame, where: str, selection: ColumnSelection) -> pl.DataFrame:
    """The selected columns, under their new names."""
    names = resolve_names(frame.columns, where, selection)
    return frame.rename(dict(zip(frame.columns, names, strict=True))).drop(selection.excluded(names))


def normalize_types(frame: pl.DataFrame, where: str, marks: Sequence[str] = ()) -> pl.DataFrame:
    """The frame in plain dtypes: categories as text, decimals as floats, NaN as null; text without spaces around it.

    A cell that is one of the `marks` is null, whatever its type. A column of lists, objects or bytes is left out, and
    that is told.
    """
    if nested := [column.name for column in frame.iter_columns() if _is_nested(column.dtype)]:
        names = ", ".join(f'"{name}"' for name in nested)
        tell(f"{where}: {names} is left out: it has lists, objects or bytes; write one column for each value")
        frame = frame.drop(nested)
    converted = [_convert(column) for column in frame.iter_columns() if not _is_supported(column.dtype)]
    frame = frame.with_columns(converted) if converted else frame
    frame = frame.with_columns(pl.col(pl.String).str.strip_chars())
    frame = _blank_marks(frame, marks)
    has_nan = frame.select(pl.selectors.float().is_nan().any())
    with_nan = [column.name for column in has_nan.iter_columns() if column.item()]
    return frame.with_columns(pl.col(with_nan).fill_nan(None)) if with_nan else frame


def _blank_marks(frame: pl.DataFrame, marks: Sequence[str]) -> pl.DataFrame:
    """The frame with null for cells that mean a missing value: text that is a mark, and the numbers among the marks."""
    texts = [*MISSING_TEXTS, *(mark.strip() for mark in marks)]
    numbers = [number for number in map(_to_number, marks) if number is not None]
    text, number = pl.col(pl.String), pl.selectors.numeric()
    frame = frame.with_columns(pl.when(text.is_in(texts).not_()).then(text).name.keep())
    return (
        frame.with_columns(pl.when(number.cast(pl.Float64).is_in(numbers).not_()).then(number).name.keep())
        if numbers
        else frame
    )


def _to_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def concat_parts(parts: Sequence[tuple[str, pl.DataFrame]]) -> pl.DataFrame:
    """The rows of all parts, in their order. Each part has a name, for errors. InvalidInput where columns differ."""
    first_name, first = parts[0]
    frames = []
    for name, part in parts:
        if missing := [column for column in first.columns if column not in part.columns]:
            raise _mixed_error(f'has no column "{missing[0]}", but {first_name} has it', name)
        if added := [column for column in part.columns if column not in first.columns]:
            raise _mixed_error(f'has a column "{added[0]}", but {first_name} does not', name)
        empty = [column for column in first.columns if part[column].null_count() == part.height]
        frames.append(part.select(first.columns).with_columns(pl.lit(None).alias(column) for column in empty))
    for column in first.columns:
        families = {_family(frame.schema[column]) for frame in frames} - {"null"}
        if len(families) > 1:
            expected = next(frame.schema[column] for frame in frames if _family(frame.schema[column]) != "null")
            name, other = next(
                (name, frame.schema[column])
                for (name, _), frame in zip(parts, frames, strict=True)
                if _family(frame.schema[column]) not in {"null", _family(expected)}
            )
            raise _mixed_error(f'the column "{column}" has the type {other}, and {expected} in the parts before', name)
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical_relaxed")


def _mixed_error(what: str, where: str) -> InvalidInput:
    hint = "all parts need the same columns with the same types"
    return InvalidInput(what, code="mixed_types", where=where, hint=hint)


def _family(dtype: pl.DataType) -> str:
    """The group of a dtype; dtypes of one group can be in one column."""
    if dtype.is_numeric():
        return "number"
    return "moment" if dtype.is_temporal() else str(dtype).lower()


def _is_supported(dtype: pl.DataType) -> bool:
    unsupported = (
        pl.Null,
        pl.Categorical,
        pl.Enum,
        pl.Time,
        pl.Decimal,
        pl.Duration,
        pl.Int128,
        pl.UInt128,
    )
    return not isinstance(dtype, unsupported)


def _is_nested(dtype: pl.DataType) -> bool:
    return dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object)


def _convert(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Duration):
        return column.dt.total_microseconds() / 1e6
    return column.cast(pl.String)
