"""What is exported for SageMaker, sent to moto's server; and our server, started as SageMaker does it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from peer_servers import ROWS, image_server, post
from tool_runs import run

from mlops_lab.exporters.clouds import CloudTraffic
from mlops_lab.exporters.sagemaker import export as exporter
from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.exporter("sagemaker"), pytest.mark.timeout(600)]
TRAFFIC = CloudTraffic(name="parcels", port=8321, percents={1: 90, 2: 10})


@pytest.fixture
def amazon() -> Iterator[dict[str, str]]:
    """The variables of a client of moto's server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    yield {**keys, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    server.stop()


@pytest.fixture
def folder(live_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is exported while version 2 has a tenth of the requests."""
    monkeypatch.setattr(exporter, "read_traffic", lambda _: TRAFFIC)
    (tmp_path / "sagemaker").mkdir()
    exporter.export(live_project, tmp_path / "sagemaker")
    return tmp_path / "sagemaker"


def deploy(folder: Path, amazon: dict[str, str], *, code: int = 0, **variables: str) -> str:
    done = run([sys.executable, "deploy.py"], folder, code=code, **amazon, **variables)
    return done.stdout + done.stderr


def test_amazons_api_takes_models_variants_and_endpoint(folder: Path, amazon: dict[str, str]) -> None:
    own = {"IMAGE_REGISTRY": "registry.example", "SAGEMAKER_ROLE": "arn:aws:iam::123456789012:role/shop"}
    assert "error: the variable SAGEMAKER_ROLE is not set\nhint:" in deploy(folder, amazon, code=1)
    assert deploy(folder, amazon, **own).count("created") == 4
    assert deploy(folder, amazon, **own).split() == ["unchanged", "endpoint", "parcels"]
    client = boto3.client(
        "sagemaker",
        endpoint_url=amazon["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    model = client.describe_model(ModelName="parcels-2")
    assert model["PrimaryContainer"]["Image"] == "registry.example/parcels-serving:2"
    assert model["ExecutionRoleArn"] == own["SAGEMAKER_ROLE"]
    endpoint = client.describe_endpoint(EndpointName="parcels")
    config = client.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    variants = {item["ModelName"]: item["InitialVariantWeight"] for item in config["ProductionVariants"]}
    assert variants == {"parcels-1": 90, "parcels-2": 10}


def test_our_image_answers_as_sagemaker_asks(
    folder: Path, live_project: Project, answers: list[float], tmp_path: Path
) -> None:
    model: dict[str, Any] = json.loads((folder / "model-1.json").read_text())
    variables = model["PrimaryContainer"]["Environment"]
    away = tmp_path / "image"
    away.mkdir()
    with image_server(live_project, away, "serve", ready="/ping", SAGEMAKER_BIND_TO_PORT="{port}", **variables) as url:
        asked = post(f"{url}/invocations", {"instances": ROWS}, host="model.aws.local")
    assert asked == (200, {"predictions": answers})
