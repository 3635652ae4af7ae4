"""Kubeflow pipelines of the steps: one that trains, and one tick of the loop."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.commands import name_variables, write_code, write_script
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.exporters.steps import read_steps
from mlops_lab.project import Project


def export(project: Project, folder: Path) -> ExportReport:
    """Write the pipelines into an empty folder."""
    steps, name = read_steps(project), make_name(project)
    pipelines = [f"{name}-train", f"{name}-loop"]
    write_script(project, folder, tool="kubeflow")
    write_code(
        folder,
        "pipelines.py",
        tool="kubeflow",
        TRAIN=pipelines[0],
        LOOP=pipelines[1],
        IMAGE=f"{name}-kubeflow-python",
        VOLUME=f"{name}-project",
        SECRET=f"{name}-variables",
        VARIABLES={variable: variable for variable in steps.variables},
    )
    variables = name_variables(steps)
    write_readme(folder, tool="kubeflow", name=project.name, image=name, cron=steps.cron, variables=variables)
    lines = (f"2 pipelines: {', '.join(pipelines)}", "next: `python pipelines.py` in the folder compiles them")
    return ExportReport({"pipelines": pipelines}, lines)
