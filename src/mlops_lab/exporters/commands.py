"""The steps of the project that orchestrators run, each a command, and the script that runs them there.

One command trains for now: `mlops run` goes from snapshot to gates and starts the rollout.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from mlops_lab.exporters.steps import CHECK, RUN, TICK, ProjectSteps
from mlops_lab.project import Project

STEPS = {"check": CHECK[1:], "run": RUN[1:], "tick": TICK[1:]}
"""By name of the job: the words of its command."""
SCRIPT = "steps.py"


def write_script(project: Project, folder: Path, *, tool: str) -> None:
    """Write `steps.py`, which runs the steps with Python's own library alone."""
    text = files("mlops_lab.exporters").joinpath("steps.py.txt").read_text(encoding="utf-8")
    words = {name: list(command) for name, command in STEPS.items()}
    name = json.dumps(project.name)[1:-1]
    head = f'"""The steps of the project {name}, as commands.\n\nWritten by `mlops export {tool}`'
    (folder / SCRIPT).write_text(f"{head}{text}".replace("{STEPS}", json.dumps(words)), encoding="utf-8")


def write_code(folder: Path, name: str, *, tool: str, **values: object) -> None:
    """Write a file of the tool's exporter, from the text that lies beside it, with these values for its `"{NAME}"`s."""
    text = files(f"mlops_lab.exporters.{tool}").joinpath(f"{name}.txt").read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f'"{{{key}}}"', json.dumps(value))
    (folder / name).write_text(text, encoding="utf-8")


def name_variables(steps: ProjectSteps) -> str:
    """A sentence that names the variables that the tool's processes need; their values are in no file."""
    names = ", ".join(f"`{name}`" for name in steps.variables)
    return f"They must be set where the steps run, and are in no file: {names}." if names else ""


def find_data_files(project: Project) -> list[str]:
    """The data files that lie in the project, relative to it; those at addresses and in databases are not files."""
    local = [
        name for name in project.settings.named_data if name and "://" not in name and not Path(name).is_absolute()
    ]
    return [name for name in dict.fromkeys(local) if (project.root / name).exists()]
