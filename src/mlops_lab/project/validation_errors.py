"""Errors of msgspec about the settings, in plain words and with the line, variable or flag that is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from mlops_lab.errors import InvalidInput
from mlops_lab.project.keys import (
    choices_at,
    did_you_mean,
    dotted,
    known_keys_hint,
    meaning_at,
    names_at,
    unknown_key_message,
)
from mlops_lab.project.layers import Layers, values_of
from mlops_lab.project.sections import Settings

_PATH_PART = re.compile(r"\.([^.[`]+)|\[\.{3}\]")  # an index in a list is ignored: the line is enough
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`")


def explain_validation_error(message: str, layers: Layers) -> InvalidInput:
    """The error for a message of msgspec (`what - at `$.section.key``)."""
    what, _, json_path = message.partition(" - at ")
    values = values_of(layers.tree)
    path: list[str] = []
    for name in _PATH_PART.findall(json_path):
        path.append(name or _find_invalid_key(values, path, message))
    if field := _FIELD.match(what):
        if field[1].endswith("unknown"):
            return _unknown_key_error(field[2], path, layers)
        return _missing_key_error(field[2], path, layers)
    hint = f"fix {dotted(path) or 'the file'} and run it again"
    if layers.origin(path).is_override:
        hint = 'write a value as in mlops.toml (5, true, ["a", "b"]), text without quotes'
    if choices := choices_at(path):
        value = _value_at(values, path)
        hint = did_you_mean(str(value), choices) + f"the allowed values are {', '.join(choices)}"
        what = f'"{value}" is not an allowed value'
    elif "matching regex" in what and (meaning := meaning_at(path)):
        what, hint = f'"{_value_at(values, path)}" cannot stand here', f"write {meaning}"
    return layers.error_at(what, path, f"{hint}; docs/configuration.md describes every key and its type")


def _unknown_key_error(name: str, path: list[str], layers: Layers) -> InvalidInput:
    names = names_at(path, values_of(layers.tree))
    hint = did_you_mean(name, names) + known_keys_hint(path, names)
    return layers.error_at(unknown_key_message(name, path), [*path, name], hint)


def _missing_key_error(name: str, path: list[str], layers: Layers) -> InvalidInput:
    kind = "key" if path else "section"
    hint = f"add {dotted([*path, name])}; docs/configuration.md describes every key and its type"
    return layers.error_at(f'the {kind} "{name}" is missing', [*path, name], hint)


def _find_invalid_key(values: dict[str, Any], path: list[str], message: str) -> str:
    """The key of the table at the path that msgspec calls `[...]`: the one that fails alone with the same message."""
    for key in _value_at(values, path):
        try:
            msgspec.convert(_keep(values, path, key), Settings)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return str(key)
    return "[...]"


def _value_at(values: Any, path: Sequence[str]) -> Any:
    for key in path:
        values = values[key]
    return values


def _keep(values: dict[str, Any], path: list[str], key: str) -> dict[str, Any]:
    return {**values, path[0]: _keep(values[path[0]], path[1:], key)} if path else {key: values[key]}
