"""Settings in layers: the file, the environment and `--set`. Each value knows where it was set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from mlops_lab.errors import InvalidInput
from mlops_lab.project.keys import Path, dotted
from mlops_lab.project.lines import find_line

CONFIG_NAME = "mlops.toml"

Layer: TypeAlias = Literal["default", "mlops.toml", "environment", "--set"]


@dataclass(frozen=True)
class Origin:
    """Where a value was set: the layer, and its name there (`MLOPS_SERVING__PORT`)."""

    layer: Layer
    name: str | None

    @property
    def is_override(self) -> bool:
        """Whether it was set by the environment or by a flag."""
        return self.layer in {"environment", "--set"}

    def __str__(self) -> str:
        return f"environment variable {self.name}" if self.layer == "environment" else str(self.name)


DEFAULT = Origin("default", None)
FILE = Origin("mlops.toml", CONFIG_NAME)


@dataclass(frozen=True)
class SettingLeaf:
    """A value that is not a table, and where it was set."""

    value: Any
    origin: Origin


Tree: TypeAlias = "dict[str, SettingLeaf | Tree]"
"""Nested tables of values that know their origin."""


def with_origin(table: dict[str, Any], origin: Origin) -> Tree:
    """The table as a tree in which every value has this origin."""
    return {
        name: with_origin(value, origin) if isinstance(value, dict) else SettingLeaf(value, origin)
        for name, value in table.items()
    }


def overlay(lower: Tree, upper: Tree) -> Tree:
    """The two trees merged: tables key by key; any other value of `upper` replaces that of `lower`.

    A field declared as `"float"` is treated as `{ type = "float" }` where `upper` adds a limit to it.
    """
    merged = dict(lower)
    for name, value in upper.items():
        old = merged.get(name, {})
        if isinstance(value, dict):
            old = {"type": old} if isinstance(old, SettingLeaf) and isinstance(old.value, str) else old
            merged[name] = overlay(old if isinstance(old, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def values_of(tree: Tree) -> dict[str, Any]:
    """The values of a tree, without their origins."""
    return {name: value.value if isinstance(value, SettingLeaf) else values_of(value) for name, value in tree.items()}


@dataclass(frozen=True)
class Layers:
    """The text of the file, the merged settings, and the flags as given, which are passed on to other processes."""

    text: str = ""
    tree: Tree = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    def origin(self, path: Path) -> Origin:
        """Where the value at the path was set; for the file, the name includes the line."""
        origin = self._origin_without_line(path)
        if origin.layer != "mlops.toml":
            return origin
        line = find_line(self.text, path)
        return Origin("mlops.toml", f"{CONFIG_NAME}, line {line}" if line else CONFIG_NAME)

    def error_at(self, what: str, path: Path, hint: str, *, related: Sequence[Path] = ()) -> InvalidInput:
        """The error about the value at the path; it names the line, the variable or the flag, and the key.

        `related`: other keys that contribute to the error. If one of them was set by an override and the path was not,
        the error names that key instead.
        """
        path = next((key for key in (path, *related) if self._origin_without_line(key).is_override), path)
        where = str(self._origin_without_line(path))
        if not self._origin_without_line(path).is_override:  # a key that is not set is missing in the file
            line = find_line(self.text, path)
            where = f"{CONFIG_NAME}, line {line}" if line else CONFIG_NAME
        return InvalidInput(what, code="bad_config", where=f"{where}, key {dotted(path) or 'the file'}", hint=hint)

    def as_options(self) -> list[str]:
        """The flags as options for the command line of another process."""
        return [f"--set={flag}" for flag in self.flags]

    def overrides(self) -> dict[tuple[str, ...], str]:
        """By path, the values that the environment and flags have set, as flags: `SECTION.KEY=VALUE`."""
        overridden = ((path, leaf.value) for path, leaf in _leaves(self.tree) if leaf.origin.is_override)
        return {path: f"{dotted(path)}={_as_text(value)}" for path, value in overridden}

    def _origin_without_line(self, path: Path) -> Origin:
        """The origin of the value at the path, or of the value that is set instead of a table on the way to it."""
        tree = self.tree
        for name in path:
            value = tree.get(name)
            if value is None:
                return DEFAULT
            if isinstance(value, SettingLeaf):
                return value.origin
            tree = value
        return FILE


def _leaves(tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], SettingLeaf]]:
    for name, value in tree.items():
        if isinstance(value, SettingLeaf):
            yield (*path, name), value
        else:
            yield from _leaves(value, (*path, name))


def _as_text(value: Any) -> str:
    """The value as a flag gives it: text as it is, anything else as TOML writes it."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
