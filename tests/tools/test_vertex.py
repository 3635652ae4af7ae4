"""What is exported for Vertex AI, read by its SDK in an environment of its own; and our server with its variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from peer_servers import ROWS, image_server, post
from tool_runs import PEERS, run
from webhook import skip_without

from mlops_lab.exporters.clouds import CloudTraffic
from mlops_lab.exporters.vertex import export as exporter
from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.exporter("vertex"), pytest.mark.timeout(600)]
TRAFFIC = CloudTraffic(name="parcels", port=8321, percents={1: 90, 2: 10})
ASK = Path(__file__).with_name("ask_vertex.py")
PATH = "/v1/endpoints/123/deployedModels/456"


@pytest.fixture
def folder(live_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is exported while version 2 has a tenth of the requests."""
    monkeypatch.setattr(exporter, "read_traffic", lambda _: TRAFFIC)
    (tmp_path / "vertex").mkdir()
    exporter.export(live_project, tmp_path / "vertex")
    return tmp_path / "vertex"


def test_the_sdk_knows_every_field(folder: Path) -> None:
    skip_without("vertex", is_there=(PEERS / "vertex/bin/python").exists(), install="make peers")
    told: dict[str, Any] = json.loads(run(["python", str(ASK), str(folder)], folder, tool="vertex").stdout)
    container = told["upload-model-2.json"]["model"]["container_spec"]
    assert container["image_uri"] == "YOUR-REGISTRY/parcels-serving:2"
    assert [port["container_port"] for port in container["ports"]] == [8080]
    splits = [told[f"deploy-model-{version}.json"]["traffic_split"] for version in (1, 2)]
    assert splits == [{"0": 100}, {"1": 90, "0": 10}]
    assert told["deploy-model-1.json"]["deployed_model"]["id"] == "1"
    assert told["endpoint.json"]["display_name"] == "parcels"
    (folder / "endpoint.json").write_text('{"displayNames": "parcels"}')
    assert "displayNames" in run(["python", str(ASK), str(folder)], folder, tool="vertex", code=1).stderr


def test_our_image_answers_as_vertex_asks(
    folder: Path, live_project: Project, answers: list[float], tmp_path: Path
) -> None:
    spec = json.loads((folder / "upload-model-1.json").read_text())["model"]["containerSpec"]
    variables = {item["name"]: item["value"] for item in spec["env"]}
    set_by_vertex = {
        "AIP_HTTP_PORT": "{port}",
        "AIP_HEALTH_ROUTE": PATH,
        "AIP_PREDICT_ROUTE": f"{PATH}:predict",
    }
    away = tmp_path / "image"
    away.mkdir()
    with image_server(live_project, away, ready=PATH, **variables, **set_by_vertex) as url:
        assert post(f"{url}{PATH}:predict", {"instances": ROWS}) == (200, {"predictions": answers})
