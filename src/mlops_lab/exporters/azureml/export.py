"""An online endpoint of Azure Machine Learning, with a deployment for each version that answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mlops_lab.exporters.clouds import VARIABLES, CloudTraffic, read_traffic
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project

_MADE = "# Written by `mlops export azureml`; run it again instead of changing this file.\n"
_SCHEMA = "https://azuremlschemas.azureedge.net/latest"
_INSTANCE = "Standard_DS2_v2"
_LONGEST = 32
"""Azure's limit for the name of an endpoint."""


def export(project: Project, folder: Path) -> ExportReport:
    """Write the files of Azure's command line into an empty folder."""
    traffic = read_traffic(project)
    endpoint = _name_endpoint(traffic.name)
    files = {f"deployment-{version}.yml": _describe(traffic, version, endpoint) for version in traffic.percents}
    described = {"$schema": f"{_SCHEMA}/managedOnlineEndpoint.schema.json", "name": endpoint, "auth_mode": "key"}
    files["endpoint.yml"] = described
    shares = {f"v{version}": percent for version, percent in traffic.percents.items()}
    files["endpoint-with-traffic.yml"] = {**described, "traffic": shares}
    for name, content in files.items():
        (folder / name).write_text(_MADE + yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    write_readme(folder, tool="azureml", name=project.name, shares=traffic.text, builds=traffic.builds)
    percents = {str(version): percent for version, percent in traffic.percents.items()}
    lines = (traffic.text, "next: `az ml online-endpoint create -f endpoint.yml` in the folder")
    return ExportReport({"endpoint": endpoint, "percents": percents}, lines)


def _name_endpoint(name: str) -> str:
    """Azure's names begin with a letter and have 3 to 32 characters."""
    start = name if name[:1].isalpha() else f"m-{name}"
    return (start if len(start) > 2 else f"{start}-endpoint")[:_LONGEST].strip("-")


def _describe(traffic: CloudTraffic, version: int, endpoint: str) -> dict[str, Any]:
    paths = {"liveness_route": "/healthz", "readiness_route": "/readyz", "scoring_route": "/score"}
    routes = {name: {"path": path, "port": traffic.port} for name, path in paths.items()}
    return {
        "$schema": f"{_SCHEMA}/managedOnlineDeployment.schema.json",
        "name": f"v{version}",
        "endpoint_name": endpoint,
        "environment": {
            "name": f"{traffic.name}-serving",
            "version": str(version),
            "image": f"YOUR-REGISTRY/{traffic.image(version)}",
            "inference_config": routes,
        },
        "environment_variables": dict(VARIABLES),
        "instance_type": _INSTANCE,
        "instance_count": 1,
    }
