"""On which line of a TOML file a key stands. `tomllib` does not tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PART = re.compile(r'"[^"]*"|\'[^\']*\'|[^.\s"\']+')


def find_line(text: str, path: Sequence[str]) -> int | None:
    """The line (from 1) on which the nested key stands, else that of the inline table or the section around it; None
    if none of them is there."""
    path = list(path)
    section: list[str] = []
    around, nearest = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            section = here = _split(stripped.split("]")[0].strip("["))
        elif "=" in stripped:
            here = [*section, *_split(stripped.split("=")[0])]
            if here == path:
                return number
        else:
            continue
        if nearest < len(here) and here == path[: len(here)]:
            around, nearest = number, len(here)
    return around


def _split(key: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(key)]
