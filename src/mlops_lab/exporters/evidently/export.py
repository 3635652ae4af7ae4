"""The live version for Evidently: training rows, measured days, and a script that reports each day in a workspace."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.commands import write_code
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.monitored import write_monitored
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project


def export(project: Project, folder: Path) -> ExportReport:
    """Write rows and script into an empty folder."""
    found = write_monitored(project, folder)
    write_code(folder, "report.py", tool="evidently")
    write_readme(folder, tool="evidently", name=project.name, rows=found.line)
    lines = (found.line, "next: `python report.py` in the folder")
    return ExportReport({"version": found.version, "days": list(found.ends)}, lines)
