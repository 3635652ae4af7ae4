"""Vertex AI's contract: the paths that its variables name; the suite of all protocols tests the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from in_process import in_process_server

from mlops_lab.errors import InvalidInput
from mlops_lab.serving.protocols.vertex import find_path

FLAGS = ["serving.predict_token=true"]
PREDICT, HEALTH = "/v1/endpoints/7/deployedModels/8:predict", "/v1/endpoints/7/deployedModels/8"


def test_the_paths_of_its_variables(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIP_PREDICT_ROUTE", PREDICT)
    monkeypatch.setenv("AIP_HEALTH_ROUTE", HEALTH)
    with in_process_server(tiny.project.root, tiny.package, tiny.fingerprint, tmp_path / "p", flags=FLAGS) as server:
        (vertex,) = (protocol for protocol in server.app.protocols if protocol.name == "vertex")
        assert [route.pattern for route in vertex.routes] == [PREDICT, HEALTH]
        for response in (server.send("POST", PREDICT, b"{}"), server.send("GET", PREDICT, token=server.predict)):
            assert response.status_code in {401, 405}
            assert response.json().keys() == {"error"}
        assert server.send("GET", HEALTH).status_code == 200
        content = server.describe()["paths"][PREDICT]["post"]["requestBody"]["content"]["application/json"]
        rows = content["examples"]["one"]["value"]["instances"]
        own = server.send("POST", "/v1/predict", json.dumps(rows).encode(), token=server.predict).json()
        body = json.dumps({"instances": rows, "parameters": {"depth": 3}}).encode()
        answer = server.send("POST", PREDICT, body, token=server.predict)
        assert answer.json() == {"predictions": [row["output"] for row in own]}
        wrong = json.dumps({"instances": [{**rows[0], "colour": "red"}]}).encode()
        refused = server.send("POST", PREDICT, wrong, token=server.predict)
        assert refused.status_code == 400
        assert "colour" in refused.json()["error"]
        assert server.send("POST", "/vertex/predict", body, token=server.predict).status_code == 404


def test_paths_that_others_answer_in_the_same_way(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIP_PREDICT_ROUTE", "/invocations")
    monkeypatch.setenv("AIP_HEALTH_ROUTE", "/ping")
    with in_process_server(tiny.project.root, tiny.package, tiny.fingerprint, tmp_path / "p", flags=FLAGS) as server:
        assert server.send("GET", "/ping").status_code == 200
        assert server.send("POST", "/invocations", b"{}", token=server.predict).status_code == 400


@pytest.mark.parametrize("path", ["/v1/predict", "/", "/docs/x", "/v1/endpoints/{name}", "predict"])
def test_a_path_that_is_not_given_away(path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_path({"AIP_PREDICT_ROUTE": path}, "AIP_PREDICT_ROUTE", default="/vertex/predict")
    assert "AIP_PREDICT_ROUTE" in (caught.value.where or "")
    assert caught.value.hint
