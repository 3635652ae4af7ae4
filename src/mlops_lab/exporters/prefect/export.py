"""Prefect flows of the steps, and their deployments: one that trains, and the loop on its schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mlops_lab.exporters.commands import name_variables, write_code, write_script
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.exporters.steps import ProjectSteps, read_steps
from mlops_lab.project import Project

_MADE = "# Written by `mlops export prefect`: write it again with that command instead of changing it.\n"
_POOL = "mlops"


def export(project: Project, folder: Path) -> ExportReport:
    """Write the flows and their deployments into an empty folder."""
    steps, name = read_steps(project), make_name(project)
    write_script(project, folder, tool="prefect")
    write_code(folder, "flows.py", tool="prefect", NAME=name)
    deployments = yaml.safe_dump({"deployments": list_deployments(steps)}, sort_keys=False)
    (folder / "prefect.yaml").write_text(_MADE + deployments, encoding="utf-8")
    write_readme(folder, tool="prefect", name=project.name, flow=name, cron=steps.cron, variables=name_variables(steps))
    flows = [f"{name}-train", f"{name}-loop"]
    return ExportReport({"flows": flows}, (f"2 flows: {', '.join(flows)}", "next: `python flows.py` in the folder"))


def list_deployments(steps: ProjectSteps) -> list[dict[str, Any]]:
    """The deployments: `train` starts by hand, `loop` by its schedule, one run at a time."""
    schedule = {"cron": steps.cron, "timezone": steps.timezone}
    one_at_a_time = {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    common = {"work_pool": {"name": _POOL}, "concurrency_limit": one_at_a_time}
    return [
        {"name": "train", "entrypoint": "flows.py:train", **common},
        {"name": "loop", "entrypoint": "flows.py:loop", **common, "schedules": [schedule]},
    ]
