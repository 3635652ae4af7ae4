"""What is exported for Azure ML, loaded by its SDK in an environment of its own; and our server at the paths it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from peer_servers import ROWS, image_server, post
from tool_runs import PEERS, run
from webhook import skip_without

from mlops_lab.exporters.azureml import export as exporter
from mlops_lab.exporters.clouds import CloudTraffic
from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.exporter("azureml"), pytest.mark.timeout(600)]
TRAFFIC = CloudTraffic(name="parcels", port=8321, percents={1: 90, 2: 10})
ASK = Path(__file__).with_name("ask_azureml.py")


@pytest.fixture
def folder(live_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is exported while version 2 has a tenth of the requests."""
    monkeypatch.setattr(exporter, "read_traffic", lambda _: TRAFFIC)
    (tmp_path / "azureml").mkdir()
    exporter.export(live_project, tmp_path / "azureml")
    return tmp_path / "azureml"


def test_the_sdk_loads_endpoint_and_deployments(folder: Path) -> None:
    skip_without("azureml", is_there=(PEERS / "azureml/bin/python").exists(), install="make peers")
    told: dict[str, Any] = json.loads(run(["python", str(ASK), str(folder)], folder, tool="azureml").stdout)
    assert told["endpoint-with-traffic.yml"]["traffic"] == {"v1": 90, "v2": 10}
    deployment = told["deployment-2.yml"]
    assert (deployment["name"], deployment["endpoint_name"]) == ("v2", "parcels")
    assert deployment["environment"]["image"] == "YOUR-REGISTRY/parcels-serving:2"
    assert deployment["environment"]["inference_config"]["scoring_route"] == {"port": 8321, "path": "/score"}
    (folder / "endpoint.yml").write_text("name: parcels\nauth_mode: none\n")
    assert "auth_mode" in run(["python", str(ASK), str(folder)], folder, tool="azureml", code=1).stderr


def test_our_image_answers_as_azure_asks(
    folder: Path, live_project: Project, answers: list[float], tmp_path: Path
) -> None:
    deployment = yaml.safe_load((folder / "deployment-1.yml").read_text())
    routes = {name: route["path"] for name, route in deployment["environment"]["inference_config"].items()}
    variables = {**deployment["environment_variables"], "MLOPS_SERVING__PORT": "{port}"}
    away = tmp_path / "image"
    away.mkdir()
    with image_server(live_project, away, ready=routes["liveness_route"], **variables) as url:
        split = {"columns": list(ROWS[0]), "index": [0, 1, 2], "data": [list(row.values()) for row in ROWS]}
        for body in ({"input_data": split}, {"input_data": ROWS}, {"data": ROWS}):
            assert post(f"{url}{routes['scoring_route']}", body) == (200, answers)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("parcels", "parcels"), ("2nd-shop", "m-2nd-shop"), ("ab", "ab-endpoint"), (f"a{'b' * 30}-c", f"a{'b' * 30}")],
)
def test_names_of_endpoints_keep_azures_rules(name: str, expected: str) -> None:
    assert exporter._name_endpoint(name) == expected
