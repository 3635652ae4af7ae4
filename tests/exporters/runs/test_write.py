"""The folder of a tracker: runs.json, and what the report counts."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mlops_lab.exporters.runs.records import RunsFile
from mlops_lab.exporters.runs.write import write_runs
from mlops_lab.project import Project


def test_the_report_counts_what_runs_json_holds(live_project: Project, tmp_path: Path) -> None:
    report = write_runs(live_project, tmp_path, tool="wandb")
    file = msgspec.json.decode((tmp_path / "runs.json").read_bytes(), type=RunsFile)
    assert (file.format, file.project, len(file.runs)) == (1, "parcels", 1)
    points = sum(len(curve) for curve in file.runs[0].curves.values())
    assert report.details == {"runs": {"training": 1, "study": 0, "trial": 0}, "points": points}
    assert report.lines[0] == f"trainings: 1, studies: 0, trials: 0; points of curves: {points}"
