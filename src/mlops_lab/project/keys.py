"""Which keys there are, by the types of the sections, and which one was meant by a name that is none."""

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


def kinds_at(path: Path) -> list[inspect.Type]:
    """What may stand at the path: one type, or those of a union; none where there is no such key."""
    kinds = [_sections()]
    for part in path:
        found = [kind for parent in kinds if (kind := _child(parent, part)) is not None]
        kinds = [one for kind in found for one in _split(kind)]
    return kinds


def names_at(path: Path, values: dict[str, Any]) -> list[str]:
    """The names that may follow the path: the keys of a section, or what `values` declare where names are free."""
    kinds = kinds_at(path)
    if any(isinstance(kind, inspect.DictType) for kind in kinds):
        found: Any = values
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return list(found) if isinstance(found, dict) else []
    return [field.name for kind in kinds if isinstance(kind, inspect.StructType) for field in kind.fields]


def choices_at(path: Path) -> list[str]:
    """The values that may be chosen at the path, where it is a choice."""
    return [str(value) for kind in kinds_at(path) if isinstance(kind, inspect.LiteralType) for value in kind.values]


def suggest(name: str, names: Iterable[str]) -> str:
    """`did you mean "port"? `, or nothing where no name is near."""
    near = get_close_matches(name.lower(), known := {other.lower(): other for other in names}, n=1)
    return f'did you mean "{known[near[0]]}"? ' if near else ""


def say_unknown(name: str, path: Sequence[str]) -> str:
    """That there is no such name after the path."""
    return f'unknown key "{name}" in [{dotted(path)}]' if path else f'unknown section "{name}"'


def list_names(path: Sequence[str], names: Sequence[str]) -> str:
    """Which names there are after the path."""
    if any(isinstance(kind, inspect.DictType) for kind in kinds_at(path)):
        return f"declare it under [{dotted(path)}] in mlops.toml; docs/configuration.md tells how"
    if not names:
        return f"{dotted(path)} holds one value and has no keys; docs/configuration.md describes it"
    return f"{f'the keys of [{dotted(path)}]' if path else 'the sections'} are {', '.join(names)}"


@cache
def _sections() -> inspect.Type:
    return inspect.type_info(Settings)


def _child(kind: inspect.Type, name: str) -> inspect.Type | None:
    if isinstance(kind, inspect.DictType):
        return kind.value_type
    if isinstance(kind, inspect.StructType):
        return next((field.type for field in kind.fields if field.name == name), None)
    return None


def _split(kind: inspect.Type) -> list[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return _split(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [one for other in kind.types for one in _split(other)]
    return [kind]
