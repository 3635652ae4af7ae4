"""What one column of a table is: its type, how its moments are written, how many values it has, what is odd."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import polars as pl

from mlops_lab.contracts.parse import parse_moments
from mlops_lab.lake.text_values import MISSING_MARKS

_SAMPLE = 2000
_READABLE = 0.99
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%Y%m%d", "%d.%m.%y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_ISO = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]|$)"
_BOOLEANS = ({"true", "false"}, {"yes", "no"})
_NUMBER = r"^[€$£]? ?[+-]?(\d{1,3}([.,' ]\d{3})+([.,]\d+)?|\d+[.,]\d+|\d+) ?[%€$£]?$"
_WORDS_OF_TEXT = 4
_SHARE_OF_MIXED = 0.9


@dataclass(frozen=True)
class Column:
    """One column. `field`: its name as a field; `name`: as the data has it. `kind`: the type of the field.

    `distinct` counts the values there are. `words`: how many a value of text has on average. `span`: the least and
    the greatest number. `format`: how moments are written. `infinite`: how many numbers are no finite ones.
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
        """Whether every row has a value of its own."""
        return self.missing == 0 and self.distinct == self.rows > 1

    @property
    def is_text(self) -> bool:
        """Whether it holds sentences rather than categories."""
        return self.kind == "string" and self.words >= _WORDS_OF_TEXT and self.distinct > 0.3 * self.rows

    @property
    def type(self) -> str:
        """The type of the field as it is declared."""
        return f"{self.kind}?" if self.missing else self.kind


def look_at(column: pl.Series, field: str) -> tuple[Column, pl.Series]:
    """What a column is, and its values as they will be read: moments as such, blanks as null."""
    kind, notes, written = _kind_of(column.dtype), [], None
    values = column
    if column.dtype == pl.String:
        given = _blank_out(column)
        found = _find_moments(given)
        if found is not None:
            kind, values, written, note = "datetime", *found
            notes += [note] if note else []
        elif _is_boolean(given):
            kind, values = "boolean", given.str.to_lowercase().is_in(["true", "yes"])
            values = pl.select(pl.when(given.is_not_null()).then(values).alias(column.name)).to_series()
        else:
            notes += _notes_on_text(given)
    elif kind == "datetime":
        moments = parse_moments(column)
        assert moments is not None  # the dtype is one of moments
        values = moments
    infinite, span = 0, None
    if kind in {"integer", "float"}:
        infinite = int((~values.cast(pl.Float64).is_finite()).sum() or 0)
        finite = values.filter(values.cast(pl.Float64).is_finite()) if infinite else values
        least, most = finite.min(), finite.max()
        span = (float(least), float(most)) if least is not None and most is not None else None  # type: ignore[arg-type]
        if infinite:
            notes.append(f"{infinite:,} infinite: those rows break the contract")
    words = 0.0
    if kind == "string":
        head = values.drop_nulls().head(_SAMPLE)
        words = float(head.str.strip_chars().str.count_matches(r"\s+").mean() or 0.0) + 1  # type: ignore[arg-type]
    distinct = values.drop_nulls().n_unique()
    several = values.drop_nulls().head(_SAMPLE).unique(maintain_order=True).head(3)
    shown = tuple(f"{value:%Y-%m-%d %H:%M}" if kind == "datetime" else str(value) for value in several)
    told = Column(
        column.name,
        field,
        kind,
        len(values),
        values.null_count(),
        distinct,
        words if kind == "string" else 0.0,
        span,
        written,
        infinite,
        shown,
        tuple(notes),
    )
    return told, values


def name_fields(names: Iterable[str], taken: frozenset[str]) -> dict[str, str]:
    """A name for each column that a field may have: letters, digits and underscores, none of `taken`, none twice."""
    fields: dict[str, str] = {}
    used = {name for name in names if name.isidentifier() and not name.startswith("_") and name not in taken}
    for name in names:
        if name in used:
            fields[name] = name
            continue
        letters = "".join(letter if f"a{letter}".isidentifier() else " " for letter in name)
        plain = re.sub("[ _]+", "_", letters).strip("_") or "column"
        plain = plain if plain.isidentifier() else f"column_{plain}"
        plain = f"{plain}_" if plain in taken else plain
        number, field = 2, plain
        while field in used or field in taken:
            field, number = f"{plain}_{number}", number + 1
        used.add(field)
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
    """The text without spaces around it, an empty one as null."""
    value = pl.col(column.name).str.strip_chars()
    return column.to_frame().select(pl.when(value != "").then(value).alias(column.name)).to_series()


def _find_moments(column: pl.Series) -> tuple[pl.Series, str | None, str] | None:
    """The moments that text holds, how they are written (None: ISO 8601), and a note; None where it holds others."""
    column = column.to_frame().select(pl.when(~pl.all().is_in(MISSING_MARKS)).then(pl.all()).name.keep()).to_series()
    head = column.drop_nulls().head(_SAMPLE)
    if head.is_empty() or not head.str.contains(r"\d").all():
        return None
    if head.str.contains(_ISO).all():
        found = parse_moments(column)
        return (found, None, "") if found is not None and _is_readable(found, column) else None
    shaped = [day + clock for day, clock in product(_DAYS, _CLOCKS)]
    fitting = [written for written in shaped if _fits(head, written)]
    read = [(written, parse_moments(column, written)) for written in fitting]
    good = [(written, found) for written, found in read if found is not None and _is_readable(found, column)]
    if not good:
        return None
    ordered = [pair for pair in good if pair[1].drop_nulls().is_sorted()]
    written, found = (ordered or good)[0]
    sure = len(good) == 1 or len(ordered) == 1
    return found, written, f"written as {written}" + ("" if sure else ": a guess, mend it if days and months are mixed")


def _fits(head: pl.Series, written: str) -> bool:
    """Whether text is written so. Polars also takes years of one and two digits under %Y."""
    if not head.str.contains(r"\d{4}" if "%Y" in written else r"^\d{1,2}\.\d{1,2}\.\d{2}( |$)").all():
        return False
    found = parse_moments(head, written)
    if found is None or found.null_count() > (1 - _READABLE) * len(head):
        return False
    year = found.drop_nulls().dt.year()
    return bool(year.is_between(1678, 2261).all())


def _is_readable(found: pl.Series, column: pl.Series) -> bool:
    given = len(column) - column.null_count()
    return given > 0 and (len(found) - found.null_count()) >= _READABLE * given


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
    if 1 > share >= _SHARE_OF_MIXED:
        row = int((column.is_not_null() & column.cast(pl.Float64, strict=False).is_null()).arg_max() or 0)
        return [f"mixed: {share:.1%} numbers, and text such as {column[row]!r} (first in row {row}): kept as text"]
    if share < 1 and head.str.contains(_NUMBER).mean() == 1:
        return [f"numbers written as {head[0]!r}: kept as text; written as 1234.5 they would be numbers"]
    return []


def is_whole(values: pl.Series) -> bool:
    """Whether all numbers of a column are whole ones."""
    floats = values.drop_nulls().cast(pl.Float64)
    return bool((floats == floats.floor()).all()) and math.isfinite(float(floats.abs().max() or 0.0))  # type: ignore[arg-type]
