"""What is said outside of `mlops.toml`: environment variables `MLOPS_SECTION__KEY`, and `--set SECTION.KEY=VALUE`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import inspect

from mlops_lab.errors import InvalidInput
from mlops_lab.project.keys import kinds_at, list_names, names_at, say_unknown, suggest
from mlops_lab.project.layers import Origin, Tree, mark, overlay, strip

PREFIX, BETWEEN = "MLOPS_", "__"


def overlay_environment(below: Tree, environment: Mapping[str, str]) -> Tree:
    """`below` and on it the variables that begin with MLOPS_ and have `__` between their parts, in any case.

    InvalidInput names a variable that leads to no key. Tables and fields are declared in the file: a variable changes
    what is said of them, and adds none.
    """
    for name in sorted(environment):
        parts = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and BETWEEN in parts:
            origin = Origin("environment", name)
            path = _locate(parts.split(BETWEEN), below, origin, exact=False)
            below = _say(below, path, environment[name], origin)
    return below


def overlay_flags(below: Tree, flags: Sequence[str]) -> Tree:
    """`below` and on it each `SECTION.KEY=VALUE`, the last one on top. InvalidInput names one that leads to no key."""
    for said in flags:
        key, equals, text = said.partition("=")
        origin = Origin("--set", f"--set {key.strip()}")
        parts = _parse_key(key) if equals else []
        if not parts:
            raise InvalidInput(
                f'"{said}" sets nothing',
                code="bad_config",
                where="--set",
                hint="write SECTION.KEY=VALUE, such as --set serving.port=9000",
            )
        below = _say(below, _locate(parts, below, origin, exact=True), text, origin)
    return below


def read_value(text: str, path: Sequence[str]) -> Any:
    """What is meant by the text for the key at the path: for text the text itself, for all else the TOML value."""
    kinds = kinds_at(path)
    is_text = any(isinstance(kind, inspect.StrType | inspect.LiteralType) for kind in kinds)
    is_table = any(isinstance(kind, inspect.StructType | inspect.DictType) for kind in kinds)
    if is_text and not is_table:
        return text
    try:
        found = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    if found.keys() != {"value"} or (is_text and not isinstance(found["value"], dict)):
        return text
    return found["value"]


def _say(below: Tree, path: Sequence[str], text: str, origin: Origin) -> Tree:
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes that were no UTF-8 arrive as halves of characters
        raise InvalidInput(
            "is not UTF-8", code="bad_config", where=str(origin), hint="write the value in UTF-8"
        ) from None
    value: Any = read_value(text, path)
    for name in reversed(path):
        value = {name: value}
    return overlay(below, mark(value, origin))


def _parse_key(text: str) -> list[str]:
    """The parts of a key as TOML writes it; none where it is not one."""
    try:
        table: Any = {} if "\n" in text else tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return []
    parts: list[str] = []
    while isinstance(table, dict) and len(table) == 1:
        [(name, table)] = table.items()
        parts.append(name)
    return parts if table == 0 else []


def _locate(parts: Sequence[str], below: Tree, origin: Origin, *, exact: bool) -> list[str]:
    """The path of the key that the parts name."""
    path: list[str] = []
    for part in parts:
        names = names_at(path, strip(below))
        found = part if part in names else None
        if found is None and not exact:
            alike = [name for name in names if name.lower() == part.lower()]
            found = alike[0] if len(alike) == 1 else None
        if found is None:
            hint = suggest(part, names) + list_names(path, names)
            raise InvalidInput(say_unknown(part, path), code="bad_config", where=str(origin), hint=hint)
        path.append(found)
    return path
