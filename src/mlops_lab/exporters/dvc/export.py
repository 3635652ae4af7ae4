"""A DVC pipeline: its stages are the steps of the project, with the figures of the gates as metrics and plots."""

from __future__ import annotations

from pathlib import Path

import yaml

from mlops_lab.exporters.commands import SCRIPT, find_data_files, write_script
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project

_MADE = "# Written by `mlops export dvc`: write it again with that command instead of changing it.\n"


def export(project: Project, folder: Path) -> ExportReport:
    """Write the pipeline into an empty folder."""
    write_script(project, folder, tool="dvc")
    (folder / "dvc.yaml").write_text(_MADE + write_pipeline(project), encoding="utf-8")
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").write_text(_MADE, encoding="utf-8")
    (folder / ".gitignore").write_text("/.dvc/cache\n/.dvc/tmp\n/.dvc/config.local\n__pycache__/\n", encoding="utf-8")
    write_readme(folder, tool="dvc", name=project.name)
    return ExportReport({"stages": ["check", "run"]}, ("2 stages: check, run", "next: `dvc repro` in the folder"))


def write_pipeline(project: Project) -> str:
    """The text of dvc.yaml."""
    sources = ["mlops.toml", "pipeline.py", *find_data_files(project)]
    files = [SCRIPT, *(f"${{project}}/{name}" for name in sources)]
    plot = {"results/measures.csv": {"template": "bar_horizontal", "x": "value", "y": "measure", "cache": False}}
    command = f"MLOPS_PROJECT='${{project}}' python {SCRIPT}"
    pipeline = {
        "vars": [{"project": ".."}],
        "stages": {
            "check": {"cmd": f"{command} check", "deps": files, "outs": ["results/check.json"]},
            "run": {
                "cmd": f"{command} run",
                "deps": [*files, "results/check.json"],
                "outs": ["results/run.json", "results/version.json"],
                "metrics": [{"results/metrics.json": {"cache": False}}],
                "plots": [plot],
            },
        },
    }
    return str(yaml.safe_dump(pipeline, sort_keys=False))
