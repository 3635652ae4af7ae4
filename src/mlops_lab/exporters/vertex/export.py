"""An endpoint of Vertex AI: the requests that upload a model for each version that answers, and deploy it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlops_lab.exporters.clouds import VARIABLES, CloudTraffic, read_traffic
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project

_PARENT = "projects/YOUR-PROJECT/locations/YOUR-REGION"
_MACHINE = "n1-standard-2"
_PORT = 8080


def export(project: Project, folder: Path) -> ExportReport:
    """Write the requests to Vertex AI's API into an empty folder."""
    traffic = read_traffic(project)
    requests: dict[str, Any] = {"endpoint.json": {"displayName": traffic.name}}
    so_far: dict[str, int] = {}
    for version, percent in traffic.percents.items():
        requests[f"upload-model-{version}.json"] = _describe_upload(traffic, version)
        split = {**dict.fromkeys(so_far, 100 - percent), "0": 100 if not so_far else percent}
        requests[f"deploy-model-{version}.json"] = _describe_deployment(traffic, version, split)
        so_far[str(version)] = percent
    for name, request in requests.items():
        (folder / name).write_text(json.dumps(request, indent=2) + "\n", encoding="utf-8")
    write_readme(folder, tool="vertex", name=project.name, shares=traffic.text, builds=traffic.builds)
    shares = {str(version): percent for version, percent in traffic.percents.items()}
    lines = (traffic.text, "next: README.md in the folder names the requests")
    return ExportReport({"endpoint": traffic.name, "percents": shares}, lines)


def _describe_upload(traffic: CloudTraffic, version: int) -> dict[str, Any]:
    """No paths are named: then Vertex AI chooses them, and the server takes them from its variables."""
    container = {
        "imageUri": f"YOUR-REGISTRY/{traffic.image(version)}",
        "env": [{"name": name, "value": value} for name, value in VARIABLES.items()],
        "ports": [{"containerPort": _PORT}],
    }
    return {"model": {"displayName": f"{traffic.name}-{version}", "containerSpec": container}}


def _describe_deployment(traffic: CloudTraffic, version: int, split: dict[str, int]) -> dict[str, Any]:
    """`split`: the percentage by the id of a deployed model, which is its version; "0" is the one of this request."""
    deployed = {
        "id": str(version),
        "model": f"{_PARENT}/models/YOUR-MODEL-{version}",
        "displayName": f"{traffic.name}-{version}",
        "dedicatedResources": {
            "machineSpec": {"machineType": _MACHINE},
            "minReplicaCount": 1,
            "maxReplicaCount": 3,
        },
    }
    return {"deployedModel": deployed, "trafficSplit": split}
