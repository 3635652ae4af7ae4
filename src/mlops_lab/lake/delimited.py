"""CSV and similar formats: every row is checked before the table is parsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.columns import ColumnSelection, resolve_names
from mlops_lab.lake.dialect import Dialect, find_dialect
from mlops_lab.lake.row_widths import RowCounts, check_row_widths
from mlops_lab.lake.text_values import LEADING_ZERO, parse_numbers

_ROWS_TO_GUESS_FROM = 10_000


def read_delimited(path: Path, name: str, selection: ColumnSelection) -> pl.DataFrame:
    """The table in a UTF-8 file of delimited text. InvalidInput names the line and the column that is wrong."""
    table = DelimitedTable(path, name, selection)
    frame = table.read()
    if not frame.height:
        hint = "check that the file is complete: a table needs rows below its header"
        raise InvalidInput("has a header and no rows", code="no_rows", where=name, hint=hint)
    return frame


class DelimitedTable:
    """The table in a UTF-8 file of delimited text, of which every row has been checked.

    `names`: all of its columns, of which the selected ones are read. `rows`: the number of rows; None for a table of
    one column, where it is not known in advance.
    """

    def __init__(self, path: Path, name: str, selection: ColumnSelection) -> None:
        self._path, self._name, self._selection = path, name, selection
        self._dialect = find_dialect(path, name, selection.options.names)
        self.names = resolve_names(self._dialect.header, name, selection)
        counts = _count_rows(path, name, self._dialect) if len(self.names) > 1 else None
        blank = counts.blank if counts else []
        self.rows = counts.rows - len(blank) if counts else None
        blank_first = sum(1 for index, row in enumerate(blank) if row == index)  # directly below the header
        self._skip = int(self._dialect.has_names) + blank_first
        self._blank = [row - blank_first for row in blank[blank_first:]]

    def read(self) -> pl.DataFrame:
        """The whole table. Types are guessed from the first rows, or from all rows where that fails."""
        try:
            try:
                types = self._guess(_ROWS_TO_GUESS_FROM)
                frame = self._scan(types).collect(engine="streaming")
            except pl.exceptions.ComputeError:
                types = self._guess(None)
                frame = self._scan(types).collect(engine="streaming")
            if self._selection.text is None:
                codes = _find_codes(self._scan([pl.String()] * len(self.names)), frame)
                if codes:
                    types = [
                        pl.String() if name in codes else dtype for name, dtype in zip(self.names, types, strict=True)
                    ]
                    frame = self._scan(types).collect(engine="streaming")
        except pl.exceptions.PolarsError as error:
            raise self._bad_file_error(error) from None
        return self._clean(frame, first_row=0)

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """The table in batches of so many rows. Types are guessed again from all rows where the first ones mislead."""
        done = 0
        for from_rows in (_ROWS_TO_GUESS_FROM, None):
            try:
                scan = self._scan(self._guess(from_rows)).slice(done)
                for frame in scan.collect_batches(chunk_size=rows, engine="streaming"):
                    yield self._clean(frame, first_row=done)
                    done += frame.height
                return
            except pl.exceptions.ComputeError as error:
                if from_rows is None:
                    raise self._bad_file_error(error) from None

    def _scan(self, types: Sequence[pl.DataType]) -> pl.LazyFrame:
        if self._selection.options.decimal is not None:  # Polars would take 1.234 for a fraction
            types = [pl.String()] * len(types)
        schema = {
            column: _dtype_of(column, dtype, self._selection) for column, dtype in zip(self.names, types, strict=True)
        }
        lines = pl.scan_csv(self._path, schema=schema, **self._format())
        return lines.drop(self._selection.excluded(self.names))

    def _guess(self, rows: int | None) -> list[pl.DataType]:
        scan = pl.scan_csv(self._path, infer_schema_length=rows, **self._format())
        types = list(scan.collect_schema().values()) or [pl.String()] * len(self.names)  # no rows
        if len(types) != len(self.names):
            raise InvalidInput(
                f'the names in line {self._dialect.above + 1} are "{", ".join(self.names)}", and rows have '
                f"{len(types)} cells",
                code="ragged_rows",
                where=self._name,
                hint="delete what stands above the line with the names, or begin such lines with #",
            )
        return types

    def _format(self) -> dict[str, Any]:
        above = self._dialect.above  # a quote in a comment begins no field: such lines are skipped as lines
        skipped = {"skip_lines": above + self._skip} if above else {"skip_rows": self._skip}
        written: dict[str, Any] = {"separator": self._dialect.separator, "quote_char": self._dialect.quote}
        if marks := self._selection.options.na:
            written["null_values"] = list(marks)
        return {**written, **skipped, "has_header": False, "glob": False, "raise_if_empty": False}

    def _clean(self, frame: pl.DataFrame, *, first_row: int) -> pl.DataFrame:
        """The rows without blank lines and padding, with numbers as numbers. The first row has this number."""
        if blank := [row - first_row for row in self._blank if first_row <= row < first_row + frame.height]:
            frame = frame.with_row_index("\0").filter(~pl.col("\0").is_in(blank)).drop("\0")
        if self._dialect.padded:
            frame = frame.with_columns(pl.col(pl.String).str.strip_chars().replace("", None))
        return parse_numbers(frame, self._selection.text, self._selection.options.decimal)

    def _bad_file_error(self, error: Exception) -> InvalidInput:
        return InvalidInput(
            f"cannot be read as text separated by {self._dialect.separator!r}: {str(error).splitlines()[0]}",
            code="bad_file",
            where=self._name,
            hint="check that the file is complete, and that fields with quotes in them are in quotes",
        )


def _count_rows(path: Path, name: str, dialect: Dialect) -> RowCounts:
    """The rows below the names, of which each has as many cells as there are names."""
    return check_row_widths(
        path,
        name,
        width=len(dialect.header),
        separator=dialect.separator,
        quote=dialect.quote,
        above=dialect.above,
        has_names=dialect.has_names,
    )


def _dtype_of(column: str, dtype: pl.DataType, selection: ColumnSelection) -> pl.DataType:
    """Text for columns that are declared as text, and for numbers of too many digits; else the guessed dtype."""
    return pl.String() if column in (selection.text or ()) or dtype in (pl.Int128, pl.UInt128) else dtype


def _find_codes(text: pl.LazyFrame, frame: pl.DataFrame) -> list[str]:
    """The integer columns in which a number begins with a zero: they are codes, and 007 is not 7."""
    whole = [column for column, dtype in frame.schema.items() if dtype.is_integer()]
    if not whole:
        return []
    is_code = text.select(pl.col(whole).str.contains(LEADING_ZERO).any()).collect(engine="streaming")
    return [column for column in whole if is_code[column].item()]
