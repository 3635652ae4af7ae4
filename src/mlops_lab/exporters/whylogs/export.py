"""The live version for whylogs: training rows, measured days, and a script that profiles and merges them."""

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
    write_code(folder, "profile_days.py", tool="whylogs")
    write_readme(folder, tool="whylogs", name=project.name, rows=found.line)
    lines = (found.line, "next: `python profile_days.py` in the folder")
    return ExportReport({"version": found.version, "days": list(found.ends)}, lines)
