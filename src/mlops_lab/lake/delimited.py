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
from mlops_lab.lake.text_values import LEADING_ZERO, NumberGuess, parse_numbers, text_columns

_ROWS_TO_GUESS_FROM = 10_000


def read_delimited(path: Path, name: str, selection: ColumnSelection) -> pl.DataFrame:
    """The table in a UTF-8 file of delimited text. InvalidInput names the line and the column that is wrong."""
    table = DelimitedTable(path, name, selection)
    frame = table.read()
    if not frame.height:
        raise no_data_rows_error(name)
    return frame


def no_data_rows_error(name: str) -> InvalidInput:
    """The error about a file that has only a header."""
    hint = "check that the file is complete: a table needs rows below its header"
    return InvalidInput("has a header and no rows", code="no_rows", where=name, hint=hint)


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

    def write_parts(self, folder: Path, *, rows: int) -> tuple[int, dict[str, NumberGuess]]:
        """Write the table of `read` into an empty folder, in Arrow files of so many rows, which sort in their order;
        how many rows there are.

        What its columns of text are is not known before the last row: `apply_guesses` makes of the rows of a file what
        they are in the table.
        """
        try:
            try:
                return self._write_parts(folder, self._guess(_ROWS_TO_GUESS_FROM), rows)
            except pl.exceptions.ComputeError:
                for file in folder.iterdir():
                    file.unlink()
                return self._write_parts(folder, self._guess(None), rows)
        except pl.exceptions.PolarsError as error:
            raise self._bad_file_error(error) from None

    def _write_parts(self, folder: Path, types: Sequence[pl.DataType], rows: int) -> tuple[int, dict[str, NumberGuess]]:
        scan, begin, height = self._scan(types), 0, 0
        names = text_columns(scan.collect_schema(), self._selection.text)
        guesses = {name: NumberGuess(self._selection.options.decimal) for name in names}
        for frame in scan.collect_batches(chunk_size=rows, engine="streaming"):
            part = self._strip(frame, begin)
            for name, guess in guesses.items():
                guess.see(part[name])
            part.write_ipc(folder / f"{begin:012}", compression="lz4")
            begin, height = begin + frame.height, height + part.height
        return height, guesses

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
        return parse_numbers(self._strip(frame, first_row), self._selection.text, self._selection.options.decimal)

    def _strip(self, frame: pl.DataFrame, first_row: int) -> pl.DataFrame:
        """The rows without blank lines and padding."""
        if blank := [row - first_row for row in self._blank if first_row <= row < first_row + frame.height]:
            frame = frame.with_row_index("\0").filter(~pl.col("\0").is_in(blank)).drop("\0")
        if self._dialect.padded:
            frame = frame.with_columns(pl.col(pl.String).str.strip_chars().replace("", None))
        return frame

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
