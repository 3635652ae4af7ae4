"""Overrides of `mlops.toml`: environment variables `MLOPS_SECTION__KEY`, and flags `--set SECTION.KEY=VALUE`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import inspect

from mlops_lab.errors import InvalidInput
from mlops_lab.project.keys import did_you_mean, known_keys_hint, names_at, types_at, unknown_key_message
from mlops_lab.project.layers import Origin, Tree, overlay, values_of, with_origin

PREFIX, SEPARATOR = "MLOPS_", "__"


def apply_environment(settings: Tree, environment: Mapping[str, str]) -> Tree:
    """The settings, overridden by the variables that begin with MLOPS_ and have `__` between the parts of the key.

    Upper and lower case do not matter. InvalidInput names a variable that matches no key. Tables and fields are
    declared in the file: a variable can change their settings, but cannot add any.
    """
    for name in sorted(environment):
        parts = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and SEPARATOR in parts:
            origin = Origin("environment", name)
            path = _find_key(parts.split(SEPARATOR), settings, origin, exact=False)
            settings = _set(settings, path, environment[name], origin)
    return settings


def apply_flags(settings: Tree, flags: Sequence[str]) -> Tree:
    """The settings, overridden by each `SECTION.KEY=VALUE` in turn. InvalidInput names one that matches no key."""
    for flag in flags:
        key, equals, text = flag.partition("=")
        origin = Origin("--set", f"--set {key.strip()}")
        parts = _parse_key(key) if equals else []
        if not parts:
            raise InvalidInput(
                f'"{flag}" does not set a key',
                code="bad_config",
                where="--set",
                hint="write SECTION.KEY=VALUE, such as --set serving.port=9000",
            )
        settings = _set(settings, _find_key(parts, settings, origin, exact=True), text, origin)
    return settings


def read_value(text: str, path: Sequence[str]) -> Any:
    """The value of the text for the key at the path: the text itself if the key is text, else the TOML value."""
    types = types_at(path)
    is_text = any(isinstance(type_, inspect.StrType | inspect.LiteralType) for type_ in types)
    is_table = any(isinstance(type_, inspect.StructType | inspect.DictType) for type_ in types)
    if is_text and not is_table:
        return text
    try:
        table = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    if table.keys() != {"value"} or (is_text and not isinstance(table["value"], dict)):
        return text
    return table["value"]


def _set(settings: Tree, path: Sequence[str], text: str, origin: Origin) -> Tree:
    """The settings with the value at the path replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:  # Python decodes bytes that are not UTF-8 as surrogates
        raise InvalidInput(
            "is not UTF-8", code="bad_config", where=str(origin), hint="write the value in UTF-8"
        ) from None
    value: Any = read_value(text, path)
    for name in reversed(path):
        value = {name: value}
    return overlay(settings, with_origin(value, origin))


def _parse_key(text: str) -> list[str]:
    """The parts of a key in TOML's syntax; empty where it is not a key."""
    try:
        table: Any = {} if "\n" in text else tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return []
    parts: list[str] = []
    while isinstance(table, dict) and len(table) == 1:
        [(name, table)] = table.items()
        parts.append(name)
    return parts if table == 0 else []


def _find_key(parts: Sequence[str], settings: Tree, origin: Origin, *, exact: bool) -> list[str]:
    """The path of the key that the parts name; unless `exact`, in upper or lower case."""
    path: list[str] = []
    for part in parts:
        names = names_at(path, values_of(settings))
        match = part if part in names else None
        if match is None and not exact:
            matches = [name for name in names if name.lower() == part.lower()]
            match = matches[0] if len(matches) == 1 else None
        if match is None:
            hint = did_you_mean(part, names) + known_keys_hint(path, names)
            raise InvalidInput(unknown_key_message(part, path), code="bad_config", where=str(origin), hint=hint)
        path.append(match)
    return path
