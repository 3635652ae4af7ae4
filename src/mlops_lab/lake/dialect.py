"""How a delimited text file is written: its separator, its quotes and its header, detected from its content."""

from __future__ import annotations

import csv
import mmap
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mlops_lab.errors import InvalidInput

SEPARATORS = (",", ";", "\t", "|")
_HEAD_CHARACTERS = 2**16
_LONGEST_HEADER = 16 * 2**20


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `padded`: a space follows each separator."""

    separator: str
    quote: str | None
    header: list[str]
    padded: bool


def find_dialect(path: Path, name: str) -> Dialect:
    """The dialect: the separator with which most rows have as many fields as the first, and the quote if one is used.

    InvalidInput for a file that is empty or has no header.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.read(_HEAD_CHARACTERS)
        if "\n" not in head:  # thousands of columns
            head += file.readline(_LONGEST_HEADER)
    if not head.strip():
        raise InvalidInput("is empty", code="empty_file", where=name, hint="check that it was written completely")
    if head[0] in "\r\n":
        hint = "the first line must contain the column names"
        raise InvalidInput("begins with a blank line", code="no_header", where=f"{name}, line 1", hint=hint)
    has_single_quotes = re.match(r"'[^'\n]*'([,;\t|]'[^'\n]*')*\r?\n", head)
    quote = "'" if has_single_quotes else '"'
    separator, header = _choose_separator(head, quote)
    if not any(cell.strip() for cell in header):
        hint = "the first line must contain the column names"
        raise InvalidInput("has no names in its first line", code="no_header", where=f"{name}, line 1", hint=hint)
    padded = len(header) > 1 and all(cell.startswith(" ") for cell in header[1:])
    used_quote = quote if _has_quoted_fields(path, separator, quote) else None
    return Dialect(separator, used_quote, header, padded)


def _choose_separator(head: str, quote: str) -> tuple[str, list[str]]:
    """The separator and the header."""
    lines = head.splitlines(keepends=True)
    lines = lines[:100] if len(lines) > 100 or len(head) < _HEAD_CHARACTERS else lines[: max(1, len(lines) - 1)]
    best: tuple[tuple[int, int], str, list[str]] | None = None
    for separator in SEPARATORS:
        try:
            csv.field_size_limit(_LONGEST_HEADER)
            rows = [row for row in csv.reader(lines, delimiter=separator, quotechar=quote) if row]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        equally_wide = Counter(map(len, rows))[width] if width > 1 else 0
        if rows and (best is None or (equally_wide, width) > best[0]):
            best = ((equally_wide, width), separator, rows[0])
    assert best is not None  # csv.reader reads any text that has a non-blank line
    return best[1], best[2]


def _has_quoted_fields(path: Path, separator: str, quote: str) -> bool:
    """Whether any field begins with a quote. Elsewhere a quote is an ordinary character (5" pipe)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        mark = quote.encode()
        before = [separator.encode(), separator.encode() + b" ", b"\n"]
        return data[:4].removeprefix(b"\xef\xbb\xbf").startswith(mark) or any(data.find(b + mark) >= 0 for b in before)
