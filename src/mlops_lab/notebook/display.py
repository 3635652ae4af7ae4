"""How results are displayed: a title, facts and tables, as plain text, in a terminal's colours, or as HTML."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

NONE = "–"
MAX_ROWS = 40
_WIDTH = 110
_TABLE = "border-collapse:collapse;margin:.3em 0"
_PAD = "padding:.15em 1em .15em 0"
_BAR = "display:inline-block;height:.7em;background:#4c78a8;opacity:.8"


@dataclass(frozen=True)
class Grid:
    """A table. Columns of numbers are aligned right; in HTML those of the column `bars` are also drawn as bars."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    bars: str | None = None


@dataclass(frozen=True)
class Sheet:
    """Everything that is displayed of a result."""

    title: str
    facts: Sequence[tuple[str, str]] = ()
    grids: Sequence[Grid] = ()


class Displayed:
    """A result that IPython, Rich and the Python prompt can each display."""

    def _sheet(self) -> Sheet:
        """What is displayed."""
        raise NotImplementedError

    def __repr__(self) -> str:
        out = io.StringIO()
        console = Console(file=out, width=_WIDTH, color_system=None, force_jupyter=False, force_terminal=False)
        console.print(to_rich(self._sheet()))
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

    def __rich__(self) -> Group:
        return to_rich(self._sheet())

    def _repr_html_(self) -> str:
        return to_html(self._sheet())


def write_value(value: Any) -> str:
    """The value as text for people."""
    if value is None:
        return NONE
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def to_rich(sheet: Sheet) -> Group:
    """The sheet for a terminal."""
    parts: list[Text | Table] = [Text(sheet.title, "bold")]
    if sheet.facts:
        facts = Table(box=None, show_header=False, pad_edge=False)
        facts.add_column(style="dim")
        for name, text in sheet.facts:
            facts.add_row(name, Text(text))
        parts.append(facts)
    for grid in sheet.grids:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name, is_number in zip(grid.columns, _number_columns(grid), strict=True):
            table.add_column(name, justify="right" if is_number else "left")
        for row in grid.rows:
            table.add_row(*(Text(write_value(value)) for value in row))
        parts += [Text(), table]
    return Group(*parts)


def to_html(sheet: Sheet) -> str:
    """The sheet as self-contained HTML: no script, no style sheet, no network."""
    return "".join(["<div>", f"<p><b>{escape(sheet.title)}</b></p>", *_facts(sheet), *_grids(sheet), "</div>"])


def _facts(sheet: Sheet) -> Iterator[str]:
    if sheet.facts:
        rows = (f"<tr>{_cell(name, style='opacity:.65')}{_cell(text)}</tr>" for name, text in sheet.facts)
        yield f'<table style="{_TABLE}">{"".join(rows)}</table>'


def _grids(sheet: Sheet) -> Iterator[str]:
    for grid in sheet.grids:
        numeric = _number_columns(grid)
        heads = "".join(map(partial(_head, grid), grid.columns, numeric))
        rows = "".join(f"<tr>{''.join(_cells(grid, row, numeric))}</tr>" for row in grid.rows)
        yield f'<table style="{_TABLE}"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _head(grid: Grid, name: str, is_number: bool) -> str:
    bar = "<th></th>" if name == grid.bars else ""
    return f'<th style="{_PAD};text-align:{"right" if is_number else "left"}">{escape(name)}</th>{bar}'


def _cells(grid: Grid, row: Sequence[Any], numeric: Sequence[bool]) -> Iterator[str]:
    for index, (name, value) in enumerate(zip(grid.columns, row, strict=True)):
        yield _cell(write_value(value), right=numeric[index], style="white-space:nowrap")
        if name == grid.bars:
            longest = max(_bar_length(other[index]) for other in grid.rows)
            share = _bar_length(value) / longest if longest else 0.0
            yield f'<td style="{_PAD};min-width:5em;text-align:left">{_bar(share)}</td>'


def _bar(share: float) -> str:
    return f'<i style="{_BAR};width:{5 * share:.2f}em"></i>'


def _bar_length(value: Any) -> float:
    return max(value, 0.0) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _cell(text: str, *, right: bool = False, style: str = "") -> str:
    return f'<td style="{_PAD};text-align:{"right" if right else "left"};{style}">{escape(text)}</td>'


def _number_columns(grid: Grid) -> list[bool]:
    """For each column whether it holds numbers."""
    columns = list(zip(*grid.rows, strict=True)) if grid.rows else [() for _ in grid.columns]
    return [
        any(value is not None for value in column)
        and all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in column)
        for column in columns
    ]
