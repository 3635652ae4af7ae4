"""Finds the line of a key in a TOML file, which `tomllib` does not report."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PART = re.compile(r'"[^"]*"|\'[^\']*\'|[^.\s"\']+')


def find_line(text: str, path: Sequence[str]) -> int | None:
    """The line (from 1) of the nested key, else that of the inline table or the section that contains it; None if none
    of them is in the file."""
    path = list(path)
    section: list[str] = []
    parent_line, parent_length = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            section = key = _split(stripped.split("]")[0].strip("["))
        elif "=" in stripped:
            key = [*section, *_split(stripped.split("=")[0])]
            if key == path:
                return number
        else:
            continue
        if parent_length < len(key) and key == path[: len(key)]:
            parent_line, parent_length = number, len(key)
    return parent_line


def _split(key: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(key)]
