"""Dagster assets of the steps, asset checks of the gates, and what starts the loop: a schedule and a sensor."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.commands import name_variables, write_code, write_script
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.readme import write_readme
from mlops_lab.exporters.steps import read_steps
from mlops_lab.gates.run import GATES
from mlops_lab.project import Project

_PYPROJECT = '# Written by `mlops export dagster`.\n[tool.dagster]\nmodule_name = "definitions"\n'


def export(project: Project, folder: Path) -> ExportReport:
    """Write the code location into an empty folder."""
    steps, gates = read_steps(project), [gate.name for gate in GATES]
    write_script(project, folder, tool="dagster")
    write_code(folder, "definitions.py", tool="dagster", GATES=gates, CRON=steps.cron, TIMEZONE=steps.timezone)
    (folder / "pyproject.toml").write_text(_PYPROJECT, encoding="utf-8")
    write_readme(folder, tool="dagster", name=project.name, cron=steps.cron, variables=name_variables(steps))
    lines = (f"3 assets, {len(gates)} asset checks, a schedule, a sensor", "next: `dagster dev` in the folder")
    return ExportReport({"assets": ["checked_data", "model_version", "ticks"], "checks": gates}, lines)
