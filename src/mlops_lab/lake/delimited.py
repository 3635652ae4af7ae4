"""CSV and its kin: the separator and the quotes are found out; every row is looked at before it is parsed."""

from __future__ import annotations

import csv
import mmap
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.columns import Wanted, settle_names
from mlops_lab.lake.shape import check_shape

SEPARATORS = (",", ";", "\t", "|")
MISSING = ("", "NA", "N/A", "n/a", "na", "#N/A", "NaN", "nan", "NULL", "null", "None", "none", "?", "-", ".")
"""What stands for a missing value in a column of numbers or moments. In one of text it may mean something."""
_ROWS_TO_GUESS_FROM = 10_000
_HEAD = 2**16
_LONGEST_HEADER = 16 * 2**20
_LEADING_ZERO = r"^[+-]?0\d"


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `padded`: a space follows each separator."""

    separator: str
    quote: str | None
    header: list[str]
    padded: bool


def read_delimited(path: Path, name: str, wanted: Wanted) -> pl.DataFrame:
    """The table in a UTF-8 file of delimited text. InvalidInput names the line and the column that is wrong."""
    table = DelimitedTable(path, name, wanted)
    frame = table.read()
    if not frame.height:
        hint = "check that the file is complete: a table needs rows below its header"
        raise InvalidInput("holds a header and no rows", code="no_rows", where=name, hint=hint)
    return frame


def find_dialect(path: Path, name: str) -> Dialect:
    """The separator under which most rows have as many fields as the first, and whether quotes are used as such."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.read(_HEAD)
        if "\n" not in head:  # thousands of columns
            head += file.readline(_LONGEST_HEADER)
    if not head.strip():
        raise InvalidInput("is empty", code="empty_file", where=name, hint="check that it was written to the end")
    if head[0] in "\r\n":
        hint = "the first line names the columns"
        raise InvalidInput("begins with a blank line", code="no_header", where=f"{name}, line 1", hint=hint)
    single = re.match(r"'[^'\n]*'([,;\t|]'[^'\n]*')*\r?\n", head)
    quote = "'" if single else '"'
    separator, header = _choose_separator(head, quote)
    if not any(cell.strip() for cell in header):
        hint = "the first line names the columns"
        raise InvalidInput("has no names in its first line", code="no_header", where=f"{name}, line 1", hint=hint)
    padded = len(header) > 1 and all(cell.startswith(" ") for cell in header[1:])
    used = quote if _quotes_fields(path, separator, quote) else None
    return Dialect(separator, used, header, padded)


def _choose_separator(head: str, quote: str) -> tuple[str, list[str]]:
    lines = head.splitlines(keepends=True)
    lines = lines[:100] if len(lines) > 100 or len(head) < _HEAD else lines[: max(1, len(lines) - 1)]
    best: tuple[tuple[int, int], str, list[str]] | None = None
    for separator in SEPARATORS:
        try:
            csv.field_size_limit(_LONGEST_HEADER)
            rows = [row for row in csv.reader(lines, delimiter=separator, quotechar=quote) if row]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        agreeing = Counter(map(len, rows))[width] if width > 1 else 0
        if rows and (best is None or (agreeing, width) > best[0]):
            best = ((agreeing, width), separator, rows[0])
    assert best is not None  # csv.reader reads whatever has a line that is not blank
    return best[1], best[2]


def _quotes_fields(path: Path, separator: str, quote: str) -> bool:
    """Whether any field begins with a quote; elsewhere it is a character like others (5" pipe)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        mark = quote.encode()
        before = [separator.encode(), separator.encode() + b" ", b"\n"]
        return data[:4].removeprefix(b"\xef\xbb\xbf").startswith(mark) or any(data.find(b + mark) >= 0 for b in before)


class DelimitedTable:
    """The table in a UTF-8 file of delimited text, whose every row has been looked at.

    `names` are all of its columns; what is read are those that are wanted. `rows`: how many; None where its only column
    leaves that open.
    """

    def __init__(self, path: Path, name: str, wanted: Wanted) -> None:
        self._path, self._name, self._wanted = path, name, wanted
        self._dialect = find_dialect(path, name)
        self.names = settle_names(self._dialect.header, name, wanted)
        width, separator, quote = len(self.names), self._dialect.separator, self._dialect.quote
        shape = check_shape(path, name, width=width, separator=separator, quote=quote) if width > 1 else None
        blank = shape.blank if shape else []
        self.rows = shape.rows - len(blank) if shape else None
        # the header, and blank lines below it
        self._skip = 1 + sum(1 for place, row in enumerate(blank) if row == place)
        self._blank = [row + 1 - self._skip for row in blank[self._skip - 1 :]]

    def read(self) -> pl.DataFrame:
        """The whole table. Types are guessed from the first rows, and from all where those mislead."""
        try:
            try:
                types = self._guess(_ROWS_TO_GUESS_FROM)
                frame = self._scan(types).collect(engine="streaming")
            except pl.exceptions.ComputeError:
                types = self._guess(None)
                frame = self._scan(types).collect(engine="streaming")
            if self._wanted.text is None:
                coded = _find_codes(self._scan([pl.String()] * len(self.names)), frame)
                if coded:
                    text = [
                        pl.String() if name in coded else dtype for name, dtype in zip(self.names, types, strict=True)
                    ]
                    frame = self._scan(text).collect(engine="streaming")
        except pl.exceptions.PolarsError as error:
            raise self._unreadable(error) from None
        return self._settle(frame, first=0)

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """The table, so many rows at a time. Types are guessed anew from all rows where the first ones mislead."""
        done = 0
        for from_rows in (_ROWS_TO_GUESS_FROM, None):
            try:
                scan = self._scan(self._guess(from_rows)).slice(done)
                for frame in scan.collect_batches(chunk_size=rows, engine="streaming"):
                    yield self._settle(frame, first=done)
                    done += frame.height
                return
            except pl.exceptions.ComputeError as error:
                if from_rows is None:
                    raise self._unreadable(error) from None

    def _scan(self, types: Sequence[pl.DataType]) -> pl.LazyFrame:
        schema = {
            column: _type_of(column, dtype, self._wanted) for column, dtype in zip(self.names, types, strict=True)
        }
        lines = pl.scan_csv(self._path, schema=schema, has_header=False, skip_rows=self._skip, **self._format())
        return lines.drop(self._wanted.left_out(self.names))

    def _guess(self, rows: int | None) -> list[pl.DataType]:
        guessed = pl.scan_csv(self._path, infer_schema_length=rows, **self._format())
        return list(guessed.collect_schema().values())

    def _format(self) -> dict[str, Any]:
        return {"separator": self._dialect.separator, "quote_char": self._dialect.quote}

    def _settle(self, frame: pl.DataFrame, *, first: int) -> pl.DataFrame:
        """Rows as they are meant: without blank lines and padding, numbers as numbers. The first one is row `first`."""
        if inner := [row - first for row in self._blank if first <= row < first + frame.height]:
            frame = frame.with_row_index("\0").filter(~pl.col("\0").is_in(inner)).drop("\0")
        if self._dialect.padded:
            frame = frame.with_columns(pl.col(pl.String).str.strip_chars())
        return read_numbers(frame, self._wanted.text)

    def _unreadable(self, error: Exception) -> InvalidInput:
        return InvalidInput(
            f"cannot be read as text separated by {self._dialect.separator!r}: {str(error).splitlines()[0]}",
            code="bad_file",
            where=self._name,
            hint="check that the file is complete, and that fields with quotes in them are quoted",
        )


def _type_of(column: str, dtype: pl.DataType, wanted: Wanted) -> pl.DataType:
    """Text where it was said to be, and where a number is too long for one."""
    return pl.String() if column in (wanted.text or ()) or dtype in (pl.Int128, pl.UInt128) else dtype


def _find_codes(text: pl.LazyFrame, frame: pl.DataFrame) -> list[str]:
    """The columns of whole numbers of which one begins with a zero: they are codes, and 007 is not 7."""
    whole = [column for column, dtype in frame.schema.items() if dtype.is_integer()]
    found = text.select(pl.col(whole).str.contains(_LEADING_ZERO).any()).collect(engine="streaming") if whole else None
    return [] if found is None else [column for column in whole if found[column].item()]


def read_numbers(frame: pl.DataFrame, text: frozenset[str] | None) -> pl.DataFrame:
    """The frame with numbers where a column holds nothing but numbers and marks of a missing value (`MISSING`).

    In columns that are declared, and not as text, such marks are null whatever else there is.
    """
    changed = []
    for column in frame.select(pl.col(pl.String)).iter_columns():
        if column.name in (text or ()):
            continue
        numbers = None
        if not _blank_out(column.drop_nulls().head(100)).drop_nulls().cast(pl.Float64, strict=False).null_count():
            numbers = _as_numbers(_blank_out(column))
        if numbers is not None:
            changed.append(numbers)
        elif text is not None:
            changed.append(_blank_out(column))
    return frame.with_columns(changed) if changed else frame


def _blank_out(column: pl.Series) -> pl.Series:
    """The text without spaces around it, null where it stands for a missing value."""
    value = pl.col(column.name).str.strip_chars()
    return column.to_frame().select(pl.when(value.is_in(MISSING).not_()).then(value).alias(column.name)).to_series()


def _as_numbers(column: pl.Series) -> pl.Series | None:
    if column.null_count() == len(column) or column.str.contains(_LEADING_ZERO + r"\d*$").any():
        return None
    whole = column.cast(pl.Int64, strict=False)
    if whole.null_count() == column.null_count():
        return whole
    numbers = column.cast(pl.Float64, strict=False)
    too_long = column.str.contains(r"^[+-]?\d{16,}$").any()  # a code again: a float would not keep all digits
    return None if too_long or numbers.null_count() != column.null_count() else numbers
