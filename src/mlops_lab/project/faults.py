"""What msgspec says is wrong with the settings, in plain words and with the place where it was said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from mlops_lab.errors import InvalidInput
from mlops_lab.project.keys import choices_at, dotted, list_names, names_at, say_unknown, suggest
from mlops_lab.project.layers import Layers, strip
from mlops_lab.project.sections import Settings

_PLACE = re.compile(r"\.([^.[`]+)|\[\.{3}\]")  # a place in a list is not looked for: the line names it
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`")


def explain(message: str, layers: Layers) -> InvalidInput:
    """The error of msgspec (`what - at `$.section.key``) with the line, the variable or the option that is wrong."""
    what, _, place = message.partition(" - at ")
    values = strip(layers.tree)
    path: list[str] = []
    for name in _PLACE.findall(place):
        path.append(name or _find_key(values, path, message))
    if field := _FIELD.match(what):
        return _explain_name(field[2], path, layers, unknown=field[1].endswith("unknown"))
    mend = f"mend {dotted(path) or 'the file'} and run it again"
    if layers.origin(path).outside:
        mend = 'write a value as in mlops.toml (5, true, ["a", "b"]), text without quotes'
    if choices := choices_at(path):
        said = _value_at(values, path)
        mend = suggest(str(said), choices) + f"the choices are {', '.join(choices)}"
        what = f'"{said}" is no choice'
    return layers.fault(what, path, f"{mend}; docs/configuration.md describes every key and its type")


def _explain_name(name: str, path: list[str], layers: Layers, *, unknown: bool) -> InvalidInput:
    names = names_at(path, strip(layers.tree))
    if unknown:
        hint = suggest(name, names) + list_names(path, names)
        return layers.fault(say_unknown(name, path), [*path, name], hint)
    kind = "key" if path else "section"
    hint = f"add {dotted([*path, name])}; docs/configuration.md describes every key and its type"
    return layers.fault(f'the {kind} "{name}" is missing', [*path, name], hint)


def _find_key(values: dict[str, Any], path: list[str], message: str) -> str:
    """The key of the table at the path that msgspec means by `[...]`: the one that fails alike without the others."""
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
