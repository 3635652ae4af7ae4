"""Our own protocol in one process: a request or many, outcomes and rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcessServer, in_process_server

from mlops_lab.serving.protocols.native import describe_output

ORDER = {"asked_at": "2013-03-20T09:30:00Z", "customer": "c1", "shop": "b", "amount": 12.5, "express": False}


@pytest.fixture
def server(tiny: Any, tmp_path: Path) -> Iterator[InProcessServer]:
    with in_process_server(tiny.project.root, tiny.package, tiny.fingerprint, tmp_path / "tiny") as running:
        yield running


def post(server: InProcessServer, path: str, data: Any) -> tuple[int, Any]:
    response = server.send("POST", path, json.dumps(data).encode(), token=server.operate)
    return response.status_code, response.json()


def test_an_object_gets_an_answer_and_a_list_a_list(server: InProcessServer) -> None:
    status, answer = post(server, "/v1/predict", {"id": "a", **ORDER})
    assert status == 200
    assert (answer["id"], answer["version"], answer["role"]) == ("a", 1, "champion")
    assert post(server, "/v1/predict", [{"id": "a", **ORDER}]) == (200, [answer])
    assert post(server, "/v1/predict", []) == (200, [])
    spaced = server.send("POST", "/v1/predict", b" \n[" + json.dumps({"id": "a", **ORDER}).encode() + b"]")
    assert spaced.json() == [answer]


def test_in_a_list_each_request_has_its_answer_or_its_error(server: InProcessServer) -> None:
    requests = [{"id": "a", **ORDER}, {"id": "a", **ORDER, "amount": 1.0}, {"id": "b", **ORDER}]
    status, answers = post(server, "/v1/predict", requests)
    assert status == 200
    assert [answer.get("id") for answer in answers] == ["a", None, "b"]
    assert answers[1]["error"]["code"] == "id_reused"
    status, answer = post(server, "/v1/predict", requests[1])
    assert (status, answer["error"]["code"]) == (409, "id_reused")


def test_outcomes_are_counted_by_verdict(server: InProcessServer) -> None:
    post(server, "/v1/predict", {"id": "a", **ORDER})
    outcome = {"known_at": "2013-03-20T12:00:00Z", "late": True, "minutes": 20.0}
    status, result = post(server, "/v1/outcomes", {"outcomes": [{"id": "a", **outcome}, {"id": "x", **outcome}]})
    assert status == 200
    assert (result["counts"]["accepted"], result["counts"]["unknown"]) == (1, 1)
    assert [problem["where"] for problem in result["problems"]] == ["$.outcomes[1]"]


def test_rows_are_added_once(server: InProcessServer) -> None:
    row = {"shop": "a", "known_at": "2013-03-20T12:00:00Z", "items": 3.0}
    assert post(server, "/v1/tables/stock/rows", {"rows": [row]})[1] == {"accepted": 1, "duplicate": 0}
    assert post(server, "/v1/tables/stock/rows", {"rows": [row]})[1] == {"accepted": 0, "duplicate": 1}
    status, answer = post(server, "/v1/tables/other/rows", {"rows": [row]})
    assert (status, answer["error"]["code"]) == (404, "unknown_table")
    assert "stock" in answer["error"]["hint"]


@pytest.mark.parametrize(("task", "classes"), [("binary", ()), ("regression", ()), ("multiclass", ("a", "b"))])
def test_the_schema_of_an_output_is_that_of_its_task(task: str, classes: tuple[str, ...]) -> None:
    schema = describe_output(task, classes)
    if task == "multiclass":
        assert schema["required"] == ["a", "b"]
        assert schema["properties"].keys() == {"a", "b"}
    else:
        assert schema["type"] == "number"
        assert ("maximum" in schema) == (task == "binary")
