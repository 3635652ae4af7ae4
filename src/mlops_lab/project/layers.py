"""Settings in layers: the file, the environment and `--set`, one on the other; each value knows where it was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from mlops_lab.errors import InvalidInput
from mlops_lab.project.keys import Path, dotted
from mlops_lab.project.lines import find_line

CONFIG_NAME = "mlops.toml"

Layer: TypeAlias = Literal["default", "mlops.toml", "environment", "--set"]


@dataclass(frozen=True)
class Origin:
    """Where something was said: in which layer, and what it is called there (`MLOPS_SERVING__PORT`)."""

    layer: Layer
    name: str | None

    @property
    def outside(self) -> bool:
        """Whether it was said neither in the file nor by nobody."""
        return self.layer in {"environment", "--set"}

    def __str__(self) -> str:
        return f"environment variable {self.name}" if self.layer == "environment" else str(self.name)


DEFAULT = Origin("default", None)
FILE = Origin("mlops.toml", CONFIG_NAME)


@dataclass(frozen=True)
class Leaf:
    """A value that is no table, and where it was said."""

    value: Any
    origin: Origin


Tree: TypeAlias = "dict[str, Leaf | Tree]"
"""Tables within tables, whose values know their origin."""


def mark(table: dict[str, Any], origin: Origin) -> Tree:
    """The table, all of whose values were said in one place."""
    return {
        name: mark(value, origin) if isinstance(value, dict) else Leaf(value, origin) for name, value in table.items()
    }


def overlay(below: Tree, above: Tree) -> Tree:
    """Both: tables are merged key by key, and any other value takes the place of what was below it.

    A field declared as `"float"` is `{ type = "float" }` to what adds a limit to it.
    """
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name, {})
        if isinstance(value, dict):
            under = {"type": under} if isinstance(under, Leaf) and isinstance(under.value, str) else under
            merged[name] = overlay(under if isinstance(under, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def strip(tree: Tree) -> dict[str, Any]:
    """The values alone."""
    return {name: value.value if isinstance(value, Leaf) else strip(value) for name, value in tree.items()}


@dataclass(frozen=True)
class Layers:
    """All that was said, where, and what `--set` said word for word, for the processes that must hear it too."""

    text: str = ""
    tree: Tree = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    def origin(self, path: Path) -> Origin:
        """Where the value at the path was said; a line of the file is part of the name."""
        found = self._find(path)
        if found.layer != "mlops.toml":
            return found
        line = find_line(self.text, path)
        return Origin("mlops.toml", f"{CONFIG_NAME}, line {line}" if line else CONFIG_NAME)

    def fault(self, what: str, path: Path, hint: str, *, beside: Sequence[Path] = ()) -> InvalidInput:
        """The error that something is wrong at the path: names the line, the variable or the option, and the key.

        `beside`: the other keys that take part. Where one of them was said outside of the file, and the path was not,
        that one is named.
        """
        path = next((one for one in (path, *beside) if self._find(one).outside), path)
        place = str(self._find(path))
        if not self._find(path).outside:  # what nobody said is missing in the file
            line = find_line(self.text, path)
            place = f"{CONFIG_NAME}, line {line}" if line else CONFIG_NAME
        return InvalidInput(what, code="bad_config", where=f"{place}, key {dotted(path) or 'the file'}", hint=hint)

    def as_options(self) -> list[str]:
        """What `--set` said, as words for the command line of another process."""
        return [f"--set={said}" for said in self.flags]

    def _find(self, path: Path) -> Origin:
        """The origin of the value at the path, or of the value that stands in its way."""
        tree = self.tree
        for name in path:
            found = tree.get(name)
            if found is None:
                return DEFAULT
            if isinstance(found, Leaf):
                return found.origin
            tree = found
        return FILE
