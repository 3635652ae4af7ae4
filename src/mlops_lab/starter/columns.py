"""The profile of one column of a table: its type, the format of its moments, its number of values, what is odd."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from mlops_lab.contracts.moments import parse_moments
from mlops_lab.starter.moments import find_moments
from mlops_lab.starter.number_moments import find_number_moments, is_named_like_time

_SAMPLE = 2000
_BOOLEANS = ({"true", "false"}, {"yes", "no"})
_NUMBER = r"^[€$£]? ?[+-]?(\d{1,3}([.,' ]\d{3})+([.,]\d+)?|\d+[.,]\d+|\d+) ?[%€$£]?$"
_MIN_WORDS_OF_TEXT = 4
_MIN_SHARE_OF_NUMBERS = 0.9


@dataclass(frozen=True)
class ColumnProfile:
    """One column. `name`: its name in the data; `field`: its name as a field; `kind`: the type of the field.

    `distinct`: the number of different values. `words`: the average number of words in a text. `span`: the smallest
    and the largest number. `format`: how moments are written. `infinite`: how many numbers are not finite.
    """

    name: str
    field: str
    kind: str
    rows: int
    missing: int
    distinct: int
    words: float = 0.0
    span: tuple[float, float] | None = None
    format: str | None = None
    infinite: int = 0
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_unique(self) -> bool:
        """Whether every row has a different value."""
        return self.missing == 0 and self.distinct == self.rows > 1

    @property
    def is_text(self) -> bool:
        """Whether it holds sentences rather than categories."""
        return self.kind == "string" and self.words >= _MIN_WORDS_OF_TEXT and self.distinct > 0.3 * self.rows

    @property
    def is_written(self) -> bool:
        """Whether it holds text with digits, which may be moments."""
        return self.kind == "string" and any(letter.isdigit() for letter in "".join(self.examples[:1]))

    @property
    def type(self) -> str:
        """The type of the field as it is declared."""
        return f"{self.kind}?" if self.missing else self.kind


def profile_column(
    column: pl.Series, field: str, *, moment_format: str | None = None, is_time: bool = False
) -> tuple[ColumnProfile, pl.Series]:
    """The profile of a column, and its values as they will be read: text of moments as moments, blanks as null.

    `moment_format`: how moments are written where that is not clear. `is_time`: it is said to hold moments.
    """
    values, kind, format, notes = _read_values(column, moment_format, is_time=is_time)
    infinite, span = _measure_numbers(values) if kind in {"integer", "float"} else (0, None)
    if infinite:
        notes = [*notes, f"{infinite:,} infinite: those rows break the contract"]
    examples = values.drop_nulls().head(_SAMPLE).unique(maintain_order=True).head(3)
    profile = ColumnProfile(
        name=column.name,
        field=field,
        kind=kind,
        rows=len(values),
        missing=values.null_count(),
        distinct=values.drop_nulls().n_unique(),
        words=_count_words(values) if kind == "string" else 0.0,
        span=span,
        format=format,
        infinite=infinite,
        examples=tuple(f"{value:%Y-%m-%d %H:%M}" if kind == "datetime" else str(value) for value in examples),
        notes=tuple(notes),
    )
    return profile, values


def _read_values(
    column: pl.Series, moment_format: str | None, *, is_time: bool
) -> tuple[pl.Series, str, str | None, list[str]]:
    """The values of a column as they will be read, the type of the field, the format of moments, and notes."""
    kind = _kind_of(column.dtype)
    if kind == "datetime":
        moments = parse_moments(column)
        assert moments is not None  # the dtype is one of moments
        return moments, kind, None, []
    if (numbers := find_number_moments(column, moment_format, is_time=is_time)) is not None:
        return numbers[0], "datetime", numbers[1], [numbers[2]]
    if column.dtype != pl.String:
        return column, kind, None, []
    text = _blank_out(column)
    if (found := find_moments(text, moment_format)) is not None:
        moments, format, note = found
        return moments, "datetime", format, [note] if note else []
    if _is_boolean(text):
        is_true = text.str.to_lowercase().is_in(["true", "yes"])
        values = pl.select(pl.when(text.is_not_null()).then(is_true).alias(column.name)).to_series()
        return values, "boolean", None, []
    return column, kind, None, _notes_on_text(text)


def _measure_numbers(values: pl.Series) -> tuple[int, tuple[float, float] | None]:
    """How many numbers are not finite, and the smallest and the largest of the others."""
    infinite = int((~values.cast(pl.Float64).is_finite()).sum() or 0)
    finite = values.filter(values.cast(pl.Float64).is_finite()) if infinite else values
    smallest, largest = finite.min(), finite.max()
    if smallest is None or largest is None:
        return infinite, None
    return infinite, (float(smallest), float(largest))  # type: ignore[arg-type]


def _count_words(values: pl.Series) -> float:
    """The average number of words in a text."""
    head = values.drop_nulls().head(_SAMPLE)
    return float(head.str.strip_chars().str.count_matches(r"\s+").mean() or 0.0) + 1  # type: ignore[arg-type]


def name_fields(names: Iterable[str], taken: frozenset[str]) -> dict[str, str]:
    """A valid field name for each column: letters, digits, _; none of `taken`, no two the same but for case."""
    fields: dict[str, str] = {}
    used: set[str] = set()  # in lower case: tables do not tell Age from age
    kept: set[str] = set()
    for name in names:
        if name.isidentifier() and not name.startswith("_") and name not in taken and name.lower() not in used:
            kept.add(name)
            used.add(name.lower())
    for name in names:
        if name in kept:
            fields[name] = name
            continue
        letters = "".join(letter if f"a{letter}".isidentifier() else " " for letter in name)
        plain = re.sub("[ _]+", "_", letters).strip("_") or "column"
        plain = plain if plain.isidentifier() else f"column_{plain}"
        plain = f"{plain}_" if plain in taken else plain
        number, field = 2, plain
        while field.lower() in used or field in taken:
            field, number = f"{plain}_{number}", number + 1
        used.add(field.lower())
        fields[name] = field
    return fields


def _kind_of(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "float"
    if dtype.is_temporal():
        return "datetime"
    return "boolean" if dtype == pl.Boolean else "string"


def _blank_out(column: pl.Series) -> pl.Series:
    """The text without spaces around it, empty text as null."""
    value = pl.col(column.name).str.strip_chars()
    return column.to_frame().select(pl.when(value != "").then(value).alias(column.name)).to_series()


def _is_boolean(column: pl.Series) -> bool:
    values = column.drop_nulls()
    head = set(values.head(_SAMPLE).str.to_lowercase().unique())
    fits = [pair for pair in _BOOLEANS if head and head <= pair]
    return bool(fits) and bool(values.str.to_lowercase().is_in(sorted(fits[0])).all())


def _notes_on_text(column: pl.Series) -> list[str]:
    values = column.drop_nulls()
    head = values.head(_SAMPLE)
    if head.is_empty():
        return []
    numbers = values.cast(pl.Float64, strict=False).is_not_null()
    share = float(numbers.mean() or 0.0)  # type: ignore[arg-type]
    if 1 > share >= _MIN_SHARE_OF_NUMBERS:
        row = int((column.is_not_null() & column.cast(pl.Float64, strict=False).is_null()).arg_max() or 0)
        return [f"mixed: {share:.1%} numbers, and text such as {column[row]!r} (first in row {row}): kept as text"]
    if is_named_like_time(column.name) and head.str.contains(r"\d").mean() == 1:
        return [f"a time written as {head[0]!r}, in no known format: kept as text; --format FORMAT reads moments"]
    if share < 1 and head.str.contains(_NUMBER).mean() == 1:
        return [f"numbers written as {head[0]!r}: kept as text; --decimal , or --decimal . reads them as numbers"]
    return []


def is_whole(values: pl.Series) -> bool:
    """Whether all numbers of a column are whole numbers."""
    floats = values.drop_nulls().cast(pl.Float64)
    return bool((floats == floats.floor()).all()) and math.isfinite(float(floats.abs().max() or 0.0))  # type: ignore[arg-type]
