"""The live version for MLServer, which Seldon Core runs: settings of its MLflow runtime, and the model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import yaml

from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.model_folder import write_model
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project

_MADE = "# Written by `mlops export mlserver`; run it again instead of changing this file.\n"


def export(project: Project, folder: Path) -> ExportReport:
    """Write settings, model and Seldon's objects into an empty folder; see `write_model`."""
    written, name = write_model(project, folder / "model"), make_name(project)
    shutil.copyfile(folder / "model" / "requirements.txt", folder / "requirements.txt")
    settings = {
        "name": name,
        "implementation": "mlserver_mlflow.MLflowRuntime",
        "parameters": {"uri": "./model", "version": str(written.version)},
    }
    (folder / "model-settings.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    objects = yaml.safe_dump_all(_list_objects(name, written.version), sort_keys=False)
    (folder / "seldon.yaml").write_text(_MADE + objects, encoding="utf-8")
    write_readme(folder, tool="mlserver", name=project.name, model=name, version=written.version)
    lines = (written.line, "next: `mlserver start .` in the folder")
    return ExportReport({"version": written.version, "model": name, "facts": written.facts}, lines)


def _list_objects(name: str, version: int) -> list[dict[str, object]]:
    """Seldon Core 2: a server whose image has this package, and the model that runs on such servers."""
    kind = {"apiVersion": "mlops.seldon.io/v1alpha1"}
    container = {"name": "mlserver", "image": f"{name}-mlserver:{version}"}
    server = {"serverConfig": "mlserver", "extraCapabilities": ["mlops-lab"], "podSpec": {"containers": [container]}}
    model = {"storageUri": f"s3://YOUR-BUCKET/{name}/{version}", "requirements": ["mlops-lab"]}
    return [
        {**kind, "kind": "Server", "metadata": {"name": f"{name}-mlserver"}, "spec": server},
        {**kind, "kind": "Model", "metadata": {"name": name}, "spec": model},
    ]
