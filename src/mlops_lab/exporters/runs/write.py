"""The folder of a tracker: the runs as runs.json, and the script that logs them with the tracker's own library."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.exporters.commands import write_code
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.readme import write_readme
from mlops_lab.exporters.runs.read import list_runs
from mlops_lab.exporters.runs.records import encode
from mlops_lab.project import Project

RUNS, SCRIPT = "runs.json", "log_runs.py"


def write_runs(project: Project, folder: Path, *, tool: str, command: str = f"python {SCRIPT}") -> ExportReport:
    """Write the runs for a tracker into an empty folder. `command` logs them there."""
    file = list_runs(project)
    (folder / RUNS).write_bytes(encode(file))
    write_code(folder, SCRIPT, tool=tool)
    write_readme(folder, tool=tool, name=project.name)
    counts = {kind: sum(run.kind == kind for run in file.runs) for kind in ("training", "study", "trial")}
    points = sum(len(curve) for run in file.runs for curve in run.curves.values())
    listed = f"trainings: {counts['training']}, studies: {counts['study']}, trials: {counts['trial']}"
    lines = (f"{listed}; points of curves: {points}", f"next: `{command}` in the folder")
    return ExportReport({"runs": counts, "points": points}, lines)
