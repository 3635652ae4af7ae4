"""A Kedro project with the steps as pipelines: one that trains, and one tick of the loop."""

from __future__ import annotations

import json
from pathlib import Path

from mlops_lab.exporters.commands import name_variables, write_code, write_script
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.readme import write_readme
from mlops_lab.exporters.steps import read_steps
from mlops_lab.project import Project

_PACKAGE = "mlops_steps"
_MADE = "# Written by `mlops export kedro`: write it again with that command instead of changing it.\n"
_RESULTS = ("checked_data", "model_version", "measures", "decisions")


def export(project: Project, folder: Path) -> ExportReport:
    """Write the Kedro project into an empty folder."""
    steps = read_steps(project)
    write_script(project, folder, tool="kedro")
    _write(folder / "pyproject.toml", _describe(project.name))
    _write(folder / _PACKAGE / "__init__.py", "")
    write_code(folder / _PACKAGE, "pipeline_registry.py", tool="kedro")
    _write(folder / "conf" / "base" / "catalog.yml", "".join(map(_describe_result, _RESULTS)))
    _write(folder / "conf" / "local" / "README.md", "Settings of this machine, for Kedro.\n", made="")
    write_readme(folder, tool="kedro", name=project.name, cron=steps.cron, variables=name_variables(steps))
    lines = ("2 pipelines: train, loop", "next: `kedro run` in the folder")
    return ExportReport({"pipelines": ["train", "loop"]}, lines)


def _write(path: Path, text: str, *, made: str = _MADE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(made + text, encoding="utf-8")


def _describe(name: str) -> str:
    lines = (
        "[tool.kedro]",
        f'package_name = "{_PACKAGE}"',
        f"project_name = {json.dumps(name)}",
        'kedro_init_version = "1.7.0"',
        'source_dir = "."',
    )
    return "\n".join([*lines, ""])


def _describe_result(name: str) -> str:
    return f"\n{name}:\n  type: json.JSONDataset\n  filepath: results/{name}.json\n"
