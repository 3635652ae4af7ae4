"""The OpenAPI document: assembled from what the protocols say, with the tokens that their roles need."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from in_process import InProcessServer, in_process_server
from openapi_spec_validator import validate

from mlops_lab.serving.protocols.openapi import _operation_id

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


def test_generators_of_clients_find_what_they_need(server: tuple[InProcessServer, bool]) -> None:
    """Names for functions, no two alike; the items of each array; and a server relative to the document."""
    document = server[0].describe()
    names = [operation["operationId"] for item in document["paths"].values() for operation in _operations(item)]
    assert len(set(names)) == len(names) > 20
    assert len({name.lower().replace("_", "") for name in names}) == len(names)
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names)
    assert [schema for schema in _arrays(document) if "items" not in schema] == []
    (place,) = document["servers"]
    for prefix in ("/", "/models/shop/"):
        resolved = urljoin(f"https://proxy.example{prefix}openapi.json", place["url"])
        assert resolved == f"https://proxy.example{prefix}"
    for path, item in document["paths"].items():
        declared = {parameter["name"] for parameter in item.get("parameters", [])}
        assert declared == set(re.findall("{(.*?)}", path))


def test_names_that_look_alike_get_numbers() -> None:
    taken: set[str] = set()
    paths = ["/v1/tables/a-b/rows", "/v1/tables/a_b/rows", "/v1/tables/{a}/b/rows", "/v1/tables/%C3%A9/rows"]
    found = [_operation_id("POST", path, taken) for path in [*paths, paths[0]]]
    assert len(taken) == 5
    assert found[:2] == ["post_v1_tables_a_b_rows", "post_v1_tables_a_b_rows_2"]


def _operations(item: Json) -> list[Json]:
    return [operation for method, operation in item.items() if method in {"get", "post"}]


def _arrays(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        if node.get("type") == "array":
            yield node
        for part in node.values():
            yield from _arrays(part)
    elif isinstance(node, list):
        for part in node:
            yield from _arrays(part)


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
                is_gate = path.startswith("/v1/rollout/verdict/")  # no rollout is under way: 409 says so
                assert response.status_code == (409 if is_gate else 200), (path, response.text)
                sent += 1
    assert sent == 17


def test_descriptions_are_on_one_line(server: tuple[InProcessServer, bool]) -> None:
    schemas = server[0].describe()["components"]["schemas"]
    descriptions = [schema["description"] for schema in schemas.values() if "description" in schema]
    assert descriptions
    assert all("\n" not in text for text in descriptions)


def test_the_output_is_that_of_the_task(server: tuple[InProcessServer, bool]) -> None:
    answer = server[0].describe()["components"]["schemas"]["Answer"]
    assert answer["properties"]["output"] == {"type": "number", "minimum": 0, "maximum": 1}
