"""The known keys, from the types of the sections, and the hints about unknown ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from msgspec import inspect

from mlops_lab.project.sections import Settings

Path = Sequence[str]
"""The names that lead to a key: `["serving", "port"]`."""


def dotted(path: Path) -> str:
    """The key as TOML writes it: `serving.port`, `source.request."price (€)"`."""
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part) for part in path)


def types_at(path: Path) -> list[inspect.Type]:
    """The types of the value at the path: one type, or those of a union; empty where there is no such key."""
    types = [_settings_type()]
    for part in path:
        children = [child for parent in types if (child := _child(parent, part)) is not None]
        types = [member for child in children for member in _union_members(child)]
    return types


def names_at(path: Path, values: dict[str, Any]) -> list[str]:
    """The names that can follow the path: the keys of a section, or the names in `values` where names are free."""
    types = types_at(path)
    if any(isinstance(type_, inspect.DictType) for type_ in types):
        table: Any = values
        for part in path:
            table = table.get(part) if isinstance(table, dict) else None
        return list(table) if isinstance(table, dict) else []
    return [field.name for type_ in types if isinstance(type_, inspect.StructType) for field in type_.fields]


def choices_at(path: Path) -> list[str]:
    """The allowed values at the path, where its type is a list of values; else empty."""
    literals = [type_ for type_ in types_at(path) if isinstance(type_, inspect.LiteralType)]
    return [str(value) for literal in literals for value in literal.values]


def meaning_at(path: Path) -> str:
    """What the key at the path means, as docs/configuration.md says it; empty where nothing is said."""
    for parent in types_at(path[:-1]):
        child = _child(parent, path[-1]) if path else None
        if isinstance(child, inspect.Metadata):
            return str((child.extra_json_schema or {}).get("description", ""))
    return ""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The start of a hint, `did you mean "port"? `; empty where no name is similar."""
    known = {other.lower(): other for other in names}
    similar = get_close_matches(name.lower(), known, n=1)
    return f'did you mean "{known[similar[0]]}"? ' if similar else ""


def unknown_key_message(name: str, path: Sequence[str]) -> str:
    """The message that there is no such name after the path."""
    return f'unknown key "{name}" in [{dotted(path)}]' if path else f'unknown section "{name}"'


def known_keys_hint(path: Sequence[str], names: Sequence[str]) -> str:
    """The hint that lists the names that can follow the path."""
    if any(isinstance(type_, inspect.DictType) for type_ in types_at(path)):
        return f"declare it under [{dotted(path)}] in mlops.toml; docs/configuration.md describes how"
    if not names:
        return f"{dotted(path)} is one value and has no keys; docs/configuration.md describes it"
    return f"{f'the keys of [{dotted(path)}]' if path else 'the sections'} are {', '.join(names)}"


@cache
def _settings_type() -> inspect.Type:
    return inspect.type_info(Settings)


def _child(parent: inspect.Type, name: str) -> inspect.Type | None:
    """The type of the value with this name in the parent; None where it has none."""
    if isinstance(parent, inspect.DictType):
        return parent.value_type
    if isinstance(parent, inspect.StructType):
        return next((field.type for field in parent.fields if field.name == name), None)
    return None


def _union_members(type_: inspect.Type) -> list[inspect.Type]:
    """The members of a union; of another type, the type itself."""
    if isinstance(type_, inspect.Metadata):
        return _union_members(type_.type)
    if isinstance(type_, inspect.UnionType):
        return [member for other in type_.types for member in _union_members(other)]
    return [type_]
