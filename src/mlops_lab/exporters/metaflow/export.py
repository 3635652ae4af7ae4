"""Metaflow flows of the steps: one that trains, and one tick of the loop on its schedule."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.commands import name_variables, write_code, write_script
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.exporters.steps import read_steps
from mlops_lab.project import Project


def export(project: Project, folder: Path) -> ExportReport:
    """Write the flows into an empty folder."""
    steps, name = read_steps(project), make_name(project).replace("-", "_")
    write_script(project, folder, tool="metaflow")
    write_code(folder, "train.py", tool="metaflow", NAME=name)
    write_code(folder, "loop.py", tool="metaflow", NAME=name, CRON=steps.cron, TIMEZONE=steps.timezone)
    variables = name_variables(steps)
    write_readme(folder, tool="metaflow", name=project.name, flows=name, cron=steps.cron, variables=variables)
    lines = ("2 flows: Train, Loop", "next: `python train.py run` in the folder")
    return ExportReport({"flows": ["Train", "Loop"]}, lines)
