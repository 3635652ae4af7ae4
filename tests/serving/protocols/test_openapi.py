"""The OpenAPI document: assembled from what the protocols say, with the tokens that their roles need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import InProcessServer, in_process_server
from openapi_spec_validator import validate

Json = dict[str, Any]


@pytest.fixture(scope="module", params=[True, False], ids=["with tokens to predict", "without"])
def server(request: pytest.FixtureRequest, tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("served") / "tiny"
    flags = [f"serving.predict_token={str(request.param).lower()}"]
    with in_process_server(tiny.project.root, tiny.package, tiny.fingerprint, folder, flags=flags) as running:
        yield running, request.param


def test_it_is_valid(server: tuple[InProcessServer, bool]) -> None:
    validate(server[0].describe())


def test_what_is_predicted_needs_a_token_only_where_the_settings_say_so(server: tuple[InProcessServer, bool]) -> None:
    running, needs_token = server
    paths = running.describe()["paths"]
    for path in ("/v1/predict", "/invocations", "/v2/models/tiny/infer"):
        operation = paths[path]["post"]
        assert ("security" in operation) == needs_token
        assert ("401" in operation["responses"]) == needs_token
        assert "403" in operation["responses"], "a page of another site"
    for path in ("/v1/outcomes", "/v1/tables/stock/rows"):
        operation = paths[path]["post"]
        assert operation["security"] == [{"token": []}]
        assert operation["responses"].keys() >= {"401", "403"}
    for path in ("/v1/status", "/healthz", "/v2", "/ping"):
        assert "security" not in paths[path]["get"]


def test_its_examples_of_requests_are_answered(server: tuple[InProcessServer, bool]) -> None:
    running, _ = server
    sent = 0
    for path, item in running.describe()["paths"].items():
        for media, content in item.get("post", {}).get("requestBody", {}).get("content", {}).items():
            for example in content["examples"].values():
                value = example["value"]
                body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
                url = path.replace("{version}", "1")
                response = running.send("POST", url, body, token=running.operate, headers={"content-type": media})
                assert response.status_code == 200, (path, response.text)
                sent += 1
    assert sent == 12


def test_descriptions_are_on_one_line(server: tuple[InProcessServer, bool]) -> None:
    schemas = server[0].describe()["components"]["schemas"]
    descriptions = [schema["description"] for schema in schemas.values() if "description" in schema]
    assert descriptions
    assert all("\n" not in text for text in descriptions)


def test_the_output_is_that_of_the_task(server: tuple[InProcessServer, bool]) -> None:
    answer = server[0].describe()["components"]["schemas"]["Answer"]
    assert answer["properties"]["output"] == {"type": "number", "minimum": 0, "maximum": 1}
