"""Azure's contract: rows at /score in its forms; the suite of all protocols tests the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import InProcessServer, in_process_server


@pytest.fixture(scope="module")
def server(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessServer]:
    folder = tmp_path_factory.mktemp("served") / "tiny"
    with in_process_server(tiny.project.root, tiny.package, tiny.fingerprint, folder) as running:
        yield running


@pytest.fixture(scope="module")
def row(server: InProcessServer) -> dict[str, Any]:
    content = server.describe()["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]
    found: dict[str, Any] = content["examples"]["rows"]["value"]["data"][0]
    return found


def test_all_forms_have_the_same_answers(server: InProcessServer, row: dict[str, Any]) -> None:
    (own,) = server.send("POST", "/v1/predict", json.dumps([row]).encode(), token=server.operate).json()
    split = {"columns": list(row), "index": [0], "data": [list(row.values())]}
    columns = {name: [value] for name, value in row.items()}
    for body in ({"data": [row]}, {"input_data": [row]}, {"input_data": columns}, {"input_data": split, "params": {}}):
        answer = server.send("POST", "/score", json.dumps(body).encode(), token=server.operate)
        assert (answer.status_code, answer.json()) == (200, [own["output"]]), body


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"input_data": [], "data": []}, "input_data and data"),
        ({"rows": []}, "exactly one of input_data, data"),
        ({"input_data": {"columns": ["a"], "data": [[1, 2]]}}, "2 values for 1 columns"),
        ({"data": {"shop": ["a"]}}, "$.data"),
    ],
)
def test_what_is_wrong(server: InProcessServer, body: dict[str, Any], text: str) -> None:
    answer = server.send("POST", "/score", json.dumps(body).encode(), token=server.operate)
    assert answer.status_code == 400
    assert text in answer.json()["error"]
