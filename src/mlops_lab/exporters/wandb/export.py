"""The project's runs for Weights & Biases."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.runs.write import write_runs
from mlops_lab.project import Project


def export(project: Project, folder: Path) -> ExportReport:
    """Write the runs, and the script that logs them, into an empty folder."""
    return write_runs(project, folder, tool="wandb")
