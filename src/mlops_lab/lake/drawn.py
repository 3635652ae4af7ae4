"""Tables drawn with bars and dashes: Markdown, and what psql, MySQL, sqlcmd and other tools print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from mlops_lab.errors import InvalidInput
from mlops_lab.notes import tell

_HEAD_LINES = 100
_RULE = re.compile(r"[|+]? *:?[-=]+:? *([|+] *:?[-=]+:? *)*[|+]?")
_CLEAR_RULE = re.compile(r"--|==|:-|-:|^\|")
"""A row may consist of dashes that mean missing values: -|-"""
_BOX = re.compile(r"\s*[┌╭╔┏╒][─═━]")
_FOOTER = re.compile(r"\(?\d+ rows?( in set.*|\s*affected)?\)?|Query OK.*", re.IGNORECASE)
_MARKDOWN = re.compile(r"\.(md|markdown|qmd|rmd)$", re.IGNORECASE)
_HINT = "write the table as CSV or Parquet, and name that file"


class _Head(NamedTuple):
    """The names of a table and the line (from 0) that has them. `has_bar`: rows begin with a bar."""

    line: int
    names: list[str]
    has_bar: bool
    is_markdown: bool

    def split(self, row: str) -> list[str]:
        """The cells of a row, however many."""
        cells = _split(row, is_markdown=self.is_markdown)
        cells = cells[1:] if self.has_bar and row.lstrip().startswith("|") else cells
        return cells[:-1] if len(cells) > len(self.names) and not cells[-1] else cells


def undraw(path: Path, target: Path, name: str) -> Path:
    """The same table as CSV, written to `target`, where it is drawn: a line of dashes is below its names; else `path`.

    Lines keep their numbers: those above the names become comments. In a file whose name ends as Markdown's does there
    may be text above the table. Text below it is told. InvalidInput where lines are drawn between rows, where there is
    more than one table, and for a table in a box of other characters.
    """
    with path.open(encoding="utf-8-sig") as file:
        head = list(islice(file, _HEAD_LINES))
    if any(_BOX.match(line) for line in head[:3]):
        raise _drawn_error("is a table drawn in a box, as tools show it to people", name)
    table = _find_table(head, has_text=bool(_MARKDOWN.search(name)))
    if table is None:
        return path
    with path.open(encoding="utf-8-sig") as file, target.open("w", encoding="utf-8") as plain:
        plain.write("#\n" * (table.line + 1) + _as_csv(table.names))
        below = enumerate(file, 1)
        for cells in _read_rows(islice(below, table.line + 2, None), table, name):
            plain.write(_as_csv(cells))
    return target


def _find_table(head: Sequence[str], *, has_text: bool) -> _Head | None:
    """The names that have a line of dashes with as many cells below them: in the first line, unless there may be
    text."""
    for number, (line, below) in enumerate(pairwise(head)):
        if not line.strip() or _is_rule(line):
            continue
        if _is_rule(below):
            has_bar, is_markdown = line.lstrip().startswith("|"), "+" not in below
            names = _split(line, is_markdown=is_markdown)[int(has_bar) :]
            names = names[:-1] if line.rstrip().endswith("|") else names
            if len(names) == len(re.findall("[-=]+", below)):
                return _Head(number, names, has_bar, is_markdown)
        if not has_text:
            return None
    return None


def _read_rows(lines: Iterable[tuple[int, str]], table: _Head, name: str) -> Iterator[list[str]]:
    """The cells of each row. The table ends at a blank line, a line without bars, or one of dashes; text below it is
    told."""
    is_over, text = False, 0
    for number, line in lines:
        is_rule = _is_rule(line)
        if is_over and (is_rule or ("|" in line and len(table.split(line)) == len(table.names))):
            what = "is a row after the end of the table: there is a line between rows, or a second table"
            raise _drawn_error(what, f"{name}, line {number}")
        if is_over or is_rule or "|" not in line:
            is_over = True
            text += not is_rule and bool(line.strip()) and not _FOOTER.fullmatch(line.strip())
        else:
            yield table.split(line)
    if text:
        tell(f"{name}: text below the table is not read (lines: {text})")


def _is_rule(line: str) -> bool:
    line = line.strip()
    return ("|" in line or "+" in line) and bool(_CLEAR_RULE.search(line)) and bool(_RULE.fullmatch(line))


def _split(line: str, *, is_markdown: bool) -> list[str]:
    r"""What bars separate. In Markdown, `\|` is a bar in a cell."""
    if not is_markdown:
        return [cell.strip() for cell in line.strip().split("|")]
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())]


def _as_csv(cells: Sequence[str]) -> str:
    quoted = (f'"{cell.replace(chr(34), chr(34) * 2)}"' if re.search(r"[^\w .:+-]", cell) else cell for cell in cells)
    return ",".join(quoted) + "\n" if len(cells) > 1 or cells[0] else '""\n'


def _drawn_error(what: str, where: str) -> InvalidInput:
    return InvalidInput(what, code="unknown_format", where=where, hint=_HINT)
