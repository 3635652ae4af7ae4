"""The list of all settings: every key with its value and where it was set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from mlops_lab.project.base import Config
from mlops_lab.project.declaration import FieldSection
from mlops_lab.project.folder import Project
from mlops_lab.project.keys import dotted
from mlops_lab.project.layers import Origin

_SECRET = re.compile(r"([?&;][^=&;]*(?:pass|pwd|secret|token|key|sig)[^=&;]*=)[^&;]*", re.IGNORECASE)


@dataclass(frozen=True)
class SettingValue:
    """One key: its section, its name there, its value, and where the value was set."""

    section: str
    name: str
    value: Any
    origin: Origin

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        origin = {"from": self.origin.layer, "where": self.origin.name}
        return {"key": f"{self.section}.{self.name}", "value": self.value, **origin}


def list_settings(project: Project) -> list[SettingValue]:
    """Every key, section by section; secrets in addresses are hidden."""
    return list(_walk(project.settings, [], [], project))


def _walk(
    value: Config | dict[str, Any], path: list[str], section: list[str], project: Project
) -> Iterator[SettingValue]:
    """The keys of a table; those with plain values come first."""
    is_field = isinstance(value, FieldSection)
    section = section if is_field else path
    items = value.items() if isinstance(value, dict) else msgspec.structs.asdict(value).items()
    for name, inner in sorted(items, key=lambda item: _is_section(item[1])):
        inner_path = [*path, name]
        if isinstance(inner, Config | dict):
            yield from _walk(inner, inner_path, section, project)
        elif isinstance(inner, list) and all(isinstance(item, Config) for item in inner) and not section:
            yield from _list_tables(inner, inner_path, project)
        elif inner is not None or not is_field:  # limits that a field does not have are not listed
            key = dotted(inner_path[len(section) :])
            yield SettingValue(dotted(section), key, hide_secrets(inner), project.layers.origin(inner_path))


def _list_tables(tables: list[Config], path: list[str], project: Project) -> Iterator[SettingValue]:
    """The keys of `[[monitors]]` and `[[readiness]]`: of each table, by its number."""
    for number, table in enumerate(tables):
        for name, value in msgspec.structs.asdict(table).items():
            yield SettingValue(f"{dotted(path)}.{number}", name, value, project.layers.origin(path))


def _is_section(value: Any) -> bool:
    return isinstance(value, Config | dict) and not isinstance(value, FieldSection)


def hide_secrets(value: Any) -> Any:
    """The value; in an address, the part before the @ and parameters with names like `password` are replaced."""
    if not isinstance(value, str) or "://" not in value:
        return value
    return _SECRET.sub(r"\1***", re.sub(r"://.*@", "://***@", value))
