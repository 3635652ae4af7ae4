"""What is exported for MLServer, served by it in an environment of its own: the server's answers, in both protocols."""

from __future__ import annotations

from typing import Any

import pytest
from peer_servers import ROWS, peer_server, post
from tool_runs import export, run

from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.exporter("mlserver"), pytest.mark.timeout(600)]
KINDS = {"items": "INT64", "distance": "FP64", "weight": "FP64", "express": "BOOL"}
PORTS = {"MLSERVER_HOST": "127.0.0.1", "MLSERVER_HTTP_PORT": "{port}", "MLSERVER_GRPC_PORT": "0"}


def as_tensors(row: dict[str, Any]) -> dict[str, Any]:
    """A row as README.md says: what is missing is left out."""
    inputs = []
    for name, value in row.items():
        if value is not None:
            kind = KINDS.get(name, "BYTES")
            content = {"parameters": {"content_type": "str"}} if kind == "BYTES" else {}
            inputs.append({"name": name, "shape": [1, 1], "datatype": kind, "data": [value], **content})
    return {"parameters": {"content_type": "pd"}, "inputs": inputs}


def test_mlserver_gives_the_answers_of_our_server(live_project: Project, answers: list[float]) -> None:
    folder = export("mlserver", live_project.root)
    ready = "/v2/models/parcels/ready"
    with peer_server(
        ["mlserver", "start", "."], folder, tool="mlserver", ready=ready, **PORTS, MLSERVER_METRICS_PORT="0"
    ) as url:
        for row, answer in zip(ROWS, answers, strict=True):
            status, said = post(f"{url}/v2/models/parcels/infer", as_tensors(row))
            assert (status, said["outputs"][0]["data"]) == (200, [answer])
            assert said["model_version"] == "1"
        assert post(f"{url}/invocations", {"dataframe_records": ROWS}) == (200, {"predictions": answers})
        assert post(f"{url}/v2/models/parcels/infer", as_tensors({**ROWS[0], "depot": None}))[0] >= 400
    run(["mlserver", "dockerfile", "."], folder, tool="mlserver")
    assert "requirements.tx[t]" in (folder / "Dockerfile").read_text(), "the image has what requirements.txt names"
