"""The live version for KServe's own server: a predictor, its image, and the InferenceService that runs it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from mlops_lab.exporters.commands import write_code
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.model_folder import write_model
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project

_MADE = "# Written by `mlops export kserve`; run it again instead of changing this file.\n"
_DOCKERFILE = """FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY predictor.py ./
COPY model/ model/
USER 10001:10001
ENTRYPOINT ["python", "predictor.py"]
"""


def export(project: Project, folder: Path) -> ExportReport:
    """Write predictor, Dockerfile, InferenceService and the model into an empty folder; see `write_model`."""
    written, name = write_model(project, folder / "model"), make_name(project)
    shutil.copyfile(folder / "model" / "requirements.txt", folder / "requirements.txt")
    with (folder / "requirements.txt").open("a", encoding="utf-8") as file:
        file.write("kserve>=0.15\n")
    write_code(folder, "predictor.py", tool="kserve", NAME=name)
    (folder / "Dockerfile").write_text(_MADE + _DOCKERFILE, encoding="utf-8")
    service = yaml.safe_dump(_describe(name, written.version), sort_keys=False)
    (folder / "inference-service.yaml").write_text(_MADE + service, encoding="utf-8")
    write_readme(folder, tool="kserve", name=project.name, model=name, version=written.version)
    lines = (written.line, "next: `python predictor.py` in the folder")
    return ExportReport({"version": written.version, "model": name, "facts": written.facts}, lines)


def _describe(name: str, version: int) -> dict[str, Any]:
    container = {
        "name": "kserve-container",
        "image": f"YOUR-REGISTRY/{name}-kserve:{version}",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": f"{name}-kserve"},
        "spec": {"predictor": {"minReplicas": 1, "maxReplicas": 10, "containers": [container]}},
    }
