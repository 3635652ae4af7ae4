"""An endpoint of SageMaker: a model for each version that answers, variants with their weights, and a script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlops_lab.exporters.clouds import VARIABLES, CloudTraffic, read_traffic
from mlops_lab.exporters.commands import write_code
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project

_INSTANCE = "ml.m5.large"


def export(project: Project, folder: Path) -> ExportReport:
    """Write the requests to SageMaker's API, and the script that sends them, into an empty folder."""
    traffic = read_traffic(project)
    requests = {f"model-{version}.json": _describe_model(traffic, version) for version in traffic.percents}
    requests["endpoint-config.json"] = config = _describe_config(traffic)
    requests["endpoint.json"] = {
        "EndpointName": traffic.name,
        "EndpointConfigName": config["EndpointConfigName"],
    }
    for name, request in requests.items():
        (folder / name).write_text(json.dumps(request, indent=2) + "\n", encoding="utf-8")
    write_code(folder, "deploy.py", tool="sagemaker")
    write_readme(folder, tool="sagemaker", name=project.name, shares=traffic.text, builds=traffic.builds)
    shares = {str(version): percent for version, percent in traffic.percents.items()}
    lines = (traffic.text, "next: `python deploy.py` in the folder")
    return ExportReport({"endpoint": traffic.name, "percents": shares}, lines)


def _describe_model(traffic: CloudTraffic, version: int) -> dict[str, Any]:
    container = {"Image": f"$IMAGE_REGISTRY/{traffic.image(version)}", "Environment": dict(VARIABLES)}
    return {
        "ModelName": f"{traffic.name}-{version}",
        "ExecutionRoleArn": "$SAGEMAKER_ROLE",
        "PrimaryContainer": container,
    }


def _describe_config(traffic: CloudTraffic) -> dict[str, Any]:
    """Configurations are never changed, so the name says what is in it."""
    variants = [
        {
            "VariantName": f"version-{version}",
            "ModelName": f"{traffic.name}-{version}",
            "InstanceType": _INSTANCE,
            "InitialInstanceCount": 1,
            "InitialVariantWeight": percent,
        }
        for version, percent in traffic.percents.items()
    ]
    shares = "-".join(f"{version}-{percent}" for version, percent in traffic.percents.items())
    return {"EndpointConfigName": f"{traffic.name}-{shares}", "ProductionVariants": variants}
