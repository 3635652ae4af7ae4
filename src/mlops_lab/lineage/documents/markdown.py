"""Text as Markdown that shows it literally, whatever it contains."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]|~$])")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escape(text: str) -> str:
    """The text on one line; nothing in it is markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()).translate(_HTML))


def write_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A table, with a blank line after it; all cells are escaped."""
    lines = [head, ["---"] * len(head), *([escape(str(cell)) for cell in row] for row in rows)]
    return [*("| " + " | ".join(cells) + " |" for cells in lines), ""]


def write_list(items: Sequence[str]) -> list[str]:
    """A list of escaped texts, with a blank line after it."""
    return [*(f"- {escape(item)}" for item in items), ""]
