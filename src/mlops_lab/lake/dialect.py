"""How a delimited text file is written: its separator, its quotes and its header, detected from its content."""

from __future__ import annotations

import csv
import mmap
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.header import check_has_names, check_is_table, check_names, count_lines_above
from mlops_lab.notes import tell

SEPARATORS = (",", ";", "\t", "|")
_BLANK = " "
_HEAD_CHARACTERS = 2**16
_LONGEST_HEADER = 16 * 2**20


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `padded`: a space follows each separator. `above`: the number of lines above the table.
    `has_names`: whether the first row below these lines has the names, as many as a row has cells."""

    separator: str
    quote: str | None
    header: list[str]
    padded: bool
    above: int = 0
    has_names: bool = True


def find_dialect(path: Path, name: str, names: Sequence[str] = ()) -> Dialect:
    """The dialect: the separator with which most rows have as many fields as the first, and the quote if one is used.

    `names`: those of the columns, for a file whose first line is a row already. InvalidInput for a file that is empty,
    no table, or has no header.
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
    check_is_table(head, name)
    lines = head.splitlines(keepends=True)
    lines = lines[: max(1, len(lines) - 1)] if len(head) >= _HEAD_CHARACTERS else lines
    above = count_lines_above(lines)
    lines = lines[above : above + 100]
    quote = "'" if re.match(r"'[^'\n]*'([,;\t|]'[^'\n]*')*\r?\n", "".join(lines)) else '"'
    separator, rows = _choose_separator(lines, quote)
    header = rows[0]
    if not any(cell.strip() for cell in header):
        hint = "the first line must contain the column names"
        raise InvalidInput("has no names in its first line", code="no_header", where=f"{name}, line 1", hint=hint)
    padded = len(header) > 1 and all(cell.startswith(" ") for cell in header[1:])
    used_quote = quote if _has_quoted_fields(path, separator, quote) else None
    if names and [cell.strip() for cell in header] != list(names):
        check_names(names, len(header), name)
        return Dialect(separator, used_quote, list(names), padded, above, has_names=False)
    if not names:
        check_has_names(rows, name)
    completed = _complete_header(rows, name)
    if len(completed) > len(header):
        return Dialect(separator, used_quote, completed, padded, above + 1, has_names=False)
    return Dialect(separator, used_quote, header, padded, above)


def _choose_separator(lines: Sequence[str], quote: str) -> tuple[str, list[list[str]]]:
    """The separator, and the rows of the head. Blanks separate if nothing else does and all rows are equally wide."""
    best: tuple[tuple[int, int], str, list[list[str]]] | None = None
    for separator in SEPARATORS:
        rows = _split(lines, separator, quote)
        if rows is None:
            continue
        width = len(rows[0]) if rows else 0
        others = Counter(map(len, rows[1:]))
        equally_wide = 1 + max(others[width], others[width + 1]) if width > 1 else 0
        if rows and (best is None or (equally_wide, width) > best[0]):
            best = ((equally_wide, width), separator, rows)
    assert best is not None  # csv.reader reads any text that has a non-blank line
    blank = _split(lines, _BLANK, quote) if best[0][1] == 1 else None
    if blank and len(blank) > 1 and len(blank[0]) > 1 and {len(row) for row in blank} == {len(blank[0])}:
        return _BLANK, blank
    return best[1], best[2]


def _split(lines: Sequence[str], separator: str, quote: str) -> list[list[str]] | None:
    try:
        csv.field_size_limit(_LONGEST_HEADER)
        return [row for row in csv.reader(lines, delimiter=separator, quotechar=quote) if row]
    except csv.Error:
        return None


def _complete_header(rows: Sequence[list[str]], name: str) -> list[str]:
    """The names; one more, which is empty, where every row has one cell more: its number, or nothing after the last."""
    header, others = rows[0], rows[1:]
    if len(header) < 2 or not others or {len(row) for row in others} != {len(header) + 1}:
        return header
    if not any(row[-1].strip() for row in others):
        tell(f"{name}: each row ends with a separator, and the names do not; nothing is read after it")
        return [*header, ""]
    tell(f"{name}: each row has one cell more than there are names; the first, a name of the row, is column_1")
    return ["", *header]


def _has_quoted_fields(path: Path, separator: str, quote: str) -> bool:
    """Whether any field begins with a quote. Elsewhere a quote is an ordinary character (5" pipe)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        mark = quote.encode()
        before = [separator.encode(), separator.encode() + b" ", b"\n"]
        return data[:4].removeprefix(b"\xef\xbb\xbf").startswith(mark) or any(data.find(b + mark) >= 0 for b in before)
