"""The lines above the first row of a delimited text: comments, `sep=`, and the names, where there are any."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlops_lab.errors import InvalidInput

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_HINT = "name its columns: --names a,b,c (or names = [...] in mlops.toml), or write a first line with their names"


def count_lines_above(lines: Sequence[str]) -> int:
    """How many lines stand above the names: one with `sep=`, as Excel writes it, and comments that begin with `#`."""
    if lines and re.fullmatch(r"sep=.\s*", lines[0], re.IGNORECASE):
        return 1
    comments = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if not comments or comments == len(lines):
        return 0
    first_row = re.split(r"[,;\t|]", lines[comments])
    has_names = len(first_row) > 1 and len(re.split(r"[,;\t|]", lines[comments - 1])) == len(first_row)
    is_row = any(_NUMBER.fullmatch(cell.strip()) for cell in first_row)
    return comments - 1 if has_names and is_row else comments  # "#id,name" above a row has the names


def check_is_table(head: str, name: str) -> None:
    """InvalidInput for a page of the web, which a download gives where it needs a sign-in."""
    if re.match(r"\s*<(!doctype|html|\?xml|head|body)\b", head, re.IGNORECASE):
        raise InvalidInput(
            "is a page of the web (HTML or XML), and no table",
            code="unknown_format",
            where=name,
            hint="open it in a browser: it may ask to sign in; save the table itself, and name that file: --data FILE",
        )


def check_has_names(rows: Sequence[Sequence[str]], name: str) -> None:
    """InvalidInput where the first row looks like the others: its cells are values, and not names."""
    first, others = [cell.strip() for cell in rows[0]], rows[1:]
    columns = [[row[place].strip() for row in others if place < len(row)] for place in range(len(first))]
    numeric = [place for place, cell in enumerate(first) if _NUMBER.fullmatch(cell) and _are_numbers(columns[place])]
    texts = [place for place, cell in enumerate(first) if cell and not _NUMBER.fullmatch(cell)]
    is_fraction = any(not re.fullmatch(r"[+-]?\d+", first[place]) for place in numeric)
    repeats = [place for place in texts if first[place] in columns[place]]
    if numeric and (is_fraction or (texts and len(repeats) * 2 > len(texts)) or _are_values(first, numeric)):
        shown = ", ".join(first[:5]) + (" ..." if first[5:] else "")
        raise InvalidInput(
            f"has no names in its first line: {shown} are values", code="no_header", where=f"{name}, line 1", hint=_HINT
        )


def check_names(names: Sequence[str], width: int, name: str) -> None:
    """InvalidInput where there are more or fewer names than cells in a row."""
    if len(names) != width:
        raise InvalidInput(
            f"has {width:,} columns, and {len(names):,} names are given",
            code="bad_names",
            where=name,
            hint="give a name for each column (--names, or names in mlops.toml), or a first line with the names",
        )


def _are_numbers(cells: Sequence[str]) -> bool:
    return any(cells) and all(_NUMBER.fullmatch(cell) for cell in cells if cell)


def _are_values(first: Sequence[str], numeric: Sequence[int]) -> bool:
    """Whether a row of nothing but whole numbers has values: names such as 0, 1, 2 or 2019, 2020 rise."""
    numbers = [int(first[place]) for place in numeric]
    return len(numeric) == len(first) and len(first) > 1 and numbers != sorted(set(numbers))
