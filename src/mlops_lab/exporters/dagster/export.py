"""Dagster assets of the steps, asset checks of the gates, and a schedule of the loop."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from mlops_lab.exporters.commands import write_script
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.readme import write_readme
from mlops_lab.gates.run import GATES
from mlops_lab.project import Project

_PYPROJECT = '# Written by `mlops export dagster`.\n[tool.dagster]\nmodule_name = "definitions"\n'


def export(project: Project, folder: Path) -> ExportReport:
    """Write the code location into an empty folder."""
    write_script(project, folder, tool="dagster")
    gates = [gate.name for gate in GATES]
    text = files("mlops_lab.exporters.dagster").joinpath("definitions.py.txt").read_text(encoding="utf-8")
    filled = text.replace('"{GATES}"', json.dumps(gates)).replace('"{TIMEZONE}"', json.dumps(project.timezone))
    (folder / "definitions.py").write_text(filled, encoding="utf-8")
    (folder / "pyproject.toml").write_text(_PYPROJECT, encoding="utf-8")
    write_readme(folder, tool="dagster", name=project.name)
    lines = (f"3 assets, {len(gates)} asset checks, a schedule", "next: `dagster dev` in the folder")
    return ExportReport({"assets": ["checked_data", "model_version", "ticks"], "checks": gates}, lines)
