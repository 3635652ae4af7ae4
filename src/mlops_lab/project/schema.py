"""The JSON schema of `mlops.toml`, which editors use to check and complete it."""

from __future__ import annotations

from typing import Any

import msgspec

from mlops_lab.project.layers import CONFIG_NAME
from mlops_lab.project.sections import Settings


def json_schema() -> dict[str, Any]:
    """The JSON schema of `mlops.toml` (draft 7, which editors support), from the types that also check the file."""
    schema = msgspec.json.schema(Settings)
    sections = schema["$defs"]
    for section in sections.values():
        section["description"] = " ".join(section["description"].split("\n\n")[0].split())  # without the indentation
    root = {**sections.pop("Settings"), "title": CONFIG_NAME}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **root, "$defs": sections}
