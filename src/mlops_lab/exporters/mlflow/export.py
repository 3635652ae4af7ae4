"""The live version as an MLflow model: the folder itself is what `mlflow models serve` serves."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.model_folder import write_model
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project


def export(project: Project, folder: Path) -> ExportReport:
    """Write the model into an empty folder; see `write_model`."""
    written = write_model(project, folder)
    write_readme(folder, tool="mlflow", name=project.name, version=written.version)
    lines = (written.line, "next: `mlflow models serve -m . --env-manager local` in the folder")
    return ExportReport({"version": written.version, "facts": written.facts}, lines)
