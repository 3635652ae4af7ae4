"""Airflow DAGs of the steps: one that trains, one that is the loop, and assets that other DAGs can wait for."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.commands import name_variables, write_code, write_script
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.exporters.steps import read_steps
from mlops_lab.project import Project


def export(project: Project, folder: Path) -> ExportReport:
    """Write the DAGs into an empty folder."""
    steps, name = read_steps(project), make_name(project)
    write_script(project, folder, tool="airflow")
    write_code(folder, "dags.py", tool="airflow", NAME=name, CRON=steps.cron, TIMEZONE=steps.timezone)
    write_readme(folder, tool="airflow", name=project.name, dag=name, cron=steps.cron, variables=name_variables(steps))
    dags, assets = [f"{name}-train", f"{name}-loop"], [f"{name}-version", f"{name}-decisions"]
    lines = (f"2 DAGs: {', '.join(dags)}; 2 assets", f"next: `airflow dags test {dags[0]}`")
    return ExportReport({"dags": dags, "assets": assets}, lines)
