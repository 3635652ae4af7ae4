"""The settings for people and editors: every key with its value and its origin, and the JSON schema."""

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
from mlops_lab.project.layers import CONFIG_NAME, Origin
from mlops_lab.project.sections import Settings

_SECRET = re.compile(r"([?&;][^=&;]*(?:pass|pwd|secret|token|key|sig)[^=&;]*=)[^&;]*", re.IGNORECASE)


@dataclass(frozen=True)
class SettingValue:
    """One key: the section it stands in, its name there, the value that holds, and where that was said."""

    section: str
    name: str
    value: Any
    origin: Origin

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        place = {"from": self.origin.layer, "where": self.origin.name}
        return {"key": f"{self.section}.{self.name}", "value": self.value, **place}


def list_settings(project: Project) -> list[SettingValue]:
    """Every key, section by section; secrets in addresses are hidden."""
    return list(_walk(project.settings, [], [], project))


def _walk(
    value: Config | dict[str, Any], path: list[str], section: list[str], project: Project
) -> Iterator[SettingValue]:
    """The keys of a table, those with plain values first."""
    is_field = isinstance(value, FieldSection)
    section = section if is_field else path
    items = value.items() if isinstance(value, dict) else msgspec.structs.asdict(value).items()
    for name, inner in sorted(items, key=lambda item: _is_section(item[1])):
        here = [*path, name]
        if isinstance(inner, Config | dict):
            yield from _walk(inner, here, section, project)
        elif inner is not None or not is_field:  # a field has few limits of those there are
            key = dotted(here[len(section) :])
            yield SettingValue(dotted(section), key, hide_secrets(inner), project.layers.origin(here))


def _is_section(value: Any) -> bool:
    return isinstance(value, Config | dict) and not isinstance(value, FieldSection)


def hide_secrets(value: Any) -> Any:
    """The value; where it is an address, without what stands before the @ and in parameters that sound secret."""
    if not isinstance(value, str) or "://" not in value:
        return value
    return _SECRET.sub(r"\1***", re.sub(r"://.*@", "://***@", value))


def json_schema() -> dict[str, Any]:
    """The JSON schema of `mlops.toml`, made of the types that check it: draft 7, which editors understand."""
    schema = msgspec.json.schema(Settings)
    sections = schema["$defs"]
    for section in sections.values():
        section["description"] = " ".join(section["description"].split("\n\n")[0].split())  # what Python indents
    whole = {**sections.pop("Settings"), "title": CONFIG_NAME}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **whole, "$defs": sections}
