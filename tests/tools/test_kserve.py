"""What is exported for KServe, on KServe's own server in an environment of its own: the server's answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from peer_servers import ROWS, peer_server, post
from tool_runs import export, run

from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.exporter("kserve"), pytest.mark.timeout(600)]
HERE = Path(__file__).parent
SERVE = ["python", str(HERE / "serve_kserve.py"), "predictor.py", "{port}"]
KINDS = {"items": "INT64", "distance": "FP64", "weight": "FP64", "express": "BOOL"}


def as_tensors(rows: list[dict[str, Any]], shape: list[int]) -> dict[str, Any]:
    """Rows as columns; a null stays one."""
    inputs = []
    for name in rows[0]:
        values: list[Any] = [row[name] for row in rows]
        if len(shape) == 2:
            values = [[value] for value in values]
        inputs.append({"name": name, "shape": shape, "datatype": KINDS.get(name, "BYTES"), "data": values})
    return {"id": "seven", "inputs": inputs}


def test_kserve_gives_the_answers_of_our_server(live_project: Project, answers: list[float]) -> None:
    folder = export("kserve", live_project.root)
    with peer_server(SERVE, folder, tool="kserve", ready="/v2/models/parcels/ready") as url:
        first = f"{url}/v1/models/parcels:predict"
        assert post(first, {"instances": ROWS}) == (200, {"predictions": answers})
        bare = {name: value for name, value in ROWS[2].items() if value is not None}
        assert post(first, {"instances": [bare, ROWS[0]]}) == (200, {"predictions": [answers[2], answers[0]]})
        for shape in ([len(ROWS)], [len(ROWS), 1]):
            status, said = post(f"{url}/v2/models/parcels/infer", as_tensors(ROWS, shape))
            assert (status, said["outputs"][0]["data"]) == (200, answers)
            assert (said["id"], said["outputs"][0]["shape"]) == ("seven", [len(ROWS)])
        for wrong, text in (({**ROWS[0], "items": 3.5}, "rows[1]: items: 3.5 is not an integer"), ([1], "object")):
            status, error = post(first, {"instances": [ROWS[0], wrong]})
            assert status == 400
            assert text in json.dumps(error)


def test_kserves_sdk_knows_every_field(live_project: Project) -> None:
    service = live_project.root / "kserve" / "inference-service.yaml"
    ask = ["python", str(HERE / "ask_kserve_sdk.py"), str(service)]
    said = json.loads(run(ask, service.parent, tool="kserve").stdout)
    assert said == {"name": "parcels-kserve", "image": "YOUR-REGISTRY/parcels-kserve:1"}
    content = yaml.safe_load(service.read_text())
    for place in (content["spec"]["predictor"], content["spec"]["predictor"]["containers"][0]):
        place["colour"] = "red"
        service.write_text(yaml.safe_dump(content))
        assert "colour" in run(ask, service.parent, tool="kserve", code=1).stderr
        del place["colour"]
