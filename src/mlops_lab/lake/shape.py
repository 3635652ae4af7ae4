"""Whether every row of a delimited text file has as many fields as its header."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlops_lab.errors import InvalidInput

_BLOCK = 8 * 2**20
_NEWLINE, _RETURN = 10, 13


class Shape(NamedTuple):
    """How many rows a file has below its header, and which of them (from 0) are blank lines."""

    rows: int
    blank: list[int]


def check_shape(path: Path, name: str, *, width: int, separator: str, quote: str | None) -> Shape:
    """The shape of a file of more than one column.

    InvalidInput names the line of the first row that has more or fewer fields than `width`, or a quote that is never
    closed. Looks at bytes only, some nanoseconds each.
    """
    walk = _Walk(name, width, ord(separator), ord(quote) if quote else None)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            walk.step(np.frombuffer(block, np.uint8))
    walk.end()
    return Shape(walk.rows - 1, [row - 1 for row in walk.blank])


class _Walk:
    """A walk through the file, block by block. A row begins where the one before ended, maybe some blocks ago."""

    def __init__(self, name: str, width: int, separator: int, quote: int | None) -> None:
        self.name, self.width, self.separator, self.quote = name, width, separator, quote
        self.blank: list[int] = []
        self.rows = 0  # that have ended
        self.fields = 0  # that have ended in the present row
        self.row_begin, self.row_line = 0, 1  # the byte and the line with which the present row begins
        self.offset, self.line = 0, 1  # the same of the present block
        self.quoted = 0  # 1: the present block begins within quotes
        self.last_byte = 0  # of the block before

    def step(self, data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> None:
        """Look at the next block."""
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
                self._judge(int(row), int(widths[row]), line, self._bytes_of(data, begin, int(stops[row])))
            after = int(stops[-1]) + 1
            self.row_begin, self.row_line = self.offset + after, self.line + int(newlines[:after].sum())
            self.rows += len(ends)
            self.fields = len(marks) - int(ends[-1]) - 1
        else:
            self.fields += len(marks)
        self.offset, self.line = self.offset + len(data), self.line + int(newlines.sum())
        self.last_byte = int(data[-1])

    def end(self) -> None:
        """Look at a last row without a newline."""
        if self.quoted:
            raise self._ragged("a quote is opened and never closed", self.row_line)
        if self.row_begin < self.offset and self.fields + 1 != self.width:
            raise self._ragged(f"has {self.fields + 1:,} fields, the header {self.width:,}", self.row_line)
        self.rows += int(self.row_begin < self.offset)

    def _bytes_of(self, data: np.ndarray[tuple[int], np.dtype[np.uint8]], begin: int, stop: int) -> int:
        """How many bytes a row has, without a carriage return at its end."""
        last = self.last_byte if stop == 0 else data[stop - 1]
        return stop - begin - int(stop > begin and last == _RETURN)

    def _judge(self, row: int, fields: int, line: int, length: int) -> None:
        if length:
            raise self._ragged(f"has {fields:,} fields, the header {self.width:,}", line)
        self.blank.append(self.rows + row)

    def _ragged(self, what: str, line: int) -> InvalidInput:
        return InvalidInput(
            what,
            code="ragged_rows",
            where=f"{self.name}, line {line}",
            hint='a field that holds the separator, a quote or a newline is written in quotes, its quotes as ""',
        )
