"""Checks that every row of a delimited text file has as many fields as its header."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlops_lab.errors import InvalidInput

_BLOCK_BYTES = 8 * 2**20
_NEWLINE, _RETURN = 10, 13


class RowCounts(NamedTuple):
    """The number of rows below the header, and which of them (from 0) are blank lines."""

    rows: int
    blank: list[int]


def check_row_widths(
    path: Path, name: str, *, width: int, separator: str, quote: str | None, above: int = 0, has_names: bool = True
) -> RowCounts:
    """The row counts of a file with more than one column, without the lines above the table and the row of its names.

    InvalidInput names the line of the first row that has more or fewer fields than `width`, or a quote that is never
    closed. Only bytes are compared, which takes some nanoseconds each.
    """
    scanner = _RowScanner(name, width, ord(separator), ord(quote) if quote else None)
    with path.open("rb") as file:
        for _ in range(above):
            file.readline()
        scanner.line = scanner.row_line = 1 + above
        while block := file.read(_BLOCK_BYTES):
            scanner.scan(np.frombuffer(block, np.uint8))
    scanner.finish()
    names = int(has_names)
    return RowCounts(scanner.rows - names, [row - names for row in scanner.blank])


class _RowScanner:
    """Scans the file block by block. A row can begin in an earlier block than it ends in."""

    def __init__(self, name: str, width: int, separator: int, quote: int | None) -> None:
        self.name, self.width, self.separator, self.quote = name, width, separator, quote
        self.blank: list[int] = []
        self.rows = 0  # complete rows
        self.fields = 0  # complete fields of the current row
        self.row_begin, self.row_line = 0, 1  # the byte and the line at which the current row begins
        self.offset, self.line = 0, 1  # the same for the current block
        self.quoted = 0  # 1: the current block begins within quotes
        self.last_byte = 0  # of the previous block

    def scan(self, data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> None:
        """Check the next block."""
        newlines = data == _NEWLINE
        counts = newlines | (data == self.separator)
        if self.quote is not None:
            quoted = (np.cumsum(data == self.quote, dtype=np.uint8) + np.uint8(self.quoted)) & 1
            self.quoted = int(quoted[-1])
            counts &= quoted == 0
        marks = np.flatnonzero(counts)
        ends = np.flatnonzero(newlines[marks])
        if len(ends):
            widths = np.diff(ends, prepend=-1)
            widths[0] += self.fields
            stops = marks[ends]
            for row in np.flatnonzero(widths != self.width):
                begin = int(stops[row - 1]) + 1 if row else self.row_begin - self.offset
                line = self.line + int(newlines[:begin].sum()) if begin > 0 else self.row_line
                self._check_row(int(row), int(widths[row]), line, self._row_bytes(data, begin, int(stops[row])))
            after = int(stops[-1]) + 1
            self.row_begin, self.row_line = self.offset + after, self.line + int(newlines[:after].sum())
            self.rows += len(ends)
            self.fields = len(marks) - int(ends[-1]) - 1
        else:
            self.fields += len(marks)
        self.offset, self.line = self.offset + len(data), self.line + int(newlines.sum())
        self.last_byte = int(data[-1])

    def finish(self) -> None:
        """Check a last row without a newline."""
        if self.quoted:
            raise self._ragged_error("a quote is opened and never closed", self.row_line)
        if self.row_begin < self.offset and self.fields + 1 != self.width:
            raise self._ragged_error(
                f"has {self.fields + 1:,} fields, expected {self.width:,} as in the header", self.row_line
            )
        self.rows += int(self.row_begin < self.offset)

    def _row_bytes(self, data: np.ndarray[tuple[int], np.dtype[np.uint8]], begin: int, stop: int) -> int:
        """The number of bytes of a row, without a carriage return at its end."""
        last = self.last_byte if stop == 0 else data[stop - 1]
        return stop - begin - int(stop > begin and last == _RETURN)

    def _check_row(self, row: int, fields: int, line: int, length: int) -> None:
        if length:
            raise self._ragged_error(f"has {fields:,} fields, expected {self.width:,} as in the header", line)
        self.blank.append(self.rows + row)

    def _ragged_error(self, what: str, line: int) -> InvalidInput:
        return InvalidInput(
            what,
            code="ragged_rows",
            where=f"{self.name}, line {line}",
            hint='a field with the separator, a quote or a newline must be in quotes, and its own quotes written ""',
        )
