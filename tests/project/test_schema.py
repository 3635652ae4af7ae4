"""The JSON schema of `mlops.toml` accepts what the types accept. `tests/docs` compares it with the published file."""

from __future__ import annotations

from mlops_lab.project.schema import json_schema
from mlops_lab.project.sections import Settings


def test_every_section_has_a_definition_without_further_keys() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("http://json-schema.org/draft-07/")
    assert schema["properties"].keys() == set(Settings.__struct_fields__)
    assert schema["required"] == ["project", "source"]
    assert "Settings" not in schema["$defs"]
    for section in schema["$defs"].values():
        assert section["additionalProperties"] is False
        assert "\n" not in section["description"]


def test_limits_and_choices_are_in_the_schema() -> None:
    serving = json_schema()["$defs"]["ServingSection"]["properties"]
    assert (serving["port"]["minimum"], serving["port"]["maximum"]) == (1, 65535)
    assert serving["durability"]["enum"] == ["async", "fsync"]
