"""Pachyderm pipelines of the steps: one that a commit of data starts, and one tick of the loop on its schedule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from mlops_lab.exporters.commands import SCRIPT, find_data_files, name_variables, write_script
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.exporters.steps import ProjectSteps, read_steps
from mlops_lab.project import Project

Spec: TypeAlias = dict[str, Any]
_BEGIN = ("set -eu", "work=$(mktemp -d)", f'cp /pfs/steps/{SCRIPT} "$work"')
_END = ("cp -R results/. /pfs/out",)
_TRAIN = ('cp -R /pfs/data/. "$MLOPS_PROJECT"', 'cd "$work"', f"python {SCRIPT} check", f"python {SCRIPT} run")
_LOOP = ('cd "$work"', f"python {SCRIPT} tick")
_ENVIRONMENT = {"MLOPS": "/opt/venv/bin/mlops", "MLOPS_PROJECT": "/project", "HOME": "/tmp"}


def export(project: Project, folder: Path) -> ExportReport:
    """Write the specifications of the pipelines into an empty folder."""
    steps, name = read_steps(project), make_name(project)
    write_script(project, folder, tool="pachyderm")
    data = {"pfs": {"name": "data", "repo": f"{name}-data", "branch": "master", "glob": "/"}}
    tick = {"cron": {"name": "tick", "spec": steps.cron, "overwrite": True}}
    pipelines = [
        describe_pipeline(steps, f"{name}-train", name=name, commands=_TRAIN, started_by=data),
        describe_pipeline(steps, f"{name}-loop", name=name, commands=_LOOP, started_by=tick),
    ]
    for file, pipeline in zip(("train.json", "loop.json"), pipelines, strict=True):
        (folder / file).write_text(json.dumps(pipeline, indent=2) + "\n", encoding="utf-8")
    files = [f"    pachctl put file {name}-data@master:/{data} -f {data}" for data in find_data_files(project)]
    write_readme(
        folder,
        tool="pachyderm",
        name=project.name,
        image=name,
        cron=steps.cron,
        files="\n".join(files) or f"    pachctl put file {name}-data@master:/mlops.toml -f mlops.toml",
        variables=name_variables(steps),
    )
    names = [pipeline["pipeline"]["name"] for pipeline in pipelines]
    lines = (f"2 pipelines: {', '.join(names)}", "next: `pachctl create pipeline -f train.json`; see README.md first")
    return ExportReport({"pipelines": names}, lines)


def describe_pipeline(
    steps: ProjectSteps, pipeline: str, *, name: str, commands: tuple[str, ...], started_by: Spec
) -> Spec:
    """The specification of a pipeline: one process at a time, which is not tried again where a gate says no."""
    script = {"pfs": {"name": "steps", "repo": f"{name}-steps", "branch": "master", "glob": "/"}}
    return {
        "pipeline": {"name": pipeline},
        "description": "Written by `mlops export pachyderm`: write it again with that command instead of changing it.",
        "transform": {
            "image": f"{name}-pachyderm-python",
            "cmd": ["sh"],
            "stdin": [*_BEGIN, *commands, *_END],
            "env": _ENVIRONMENT,
            "secrets": [
                {"name": f"{name}-variables", "key": variable, "envVar": variable} for variable in steps.variables
            ],
        },
        "input": {"cross": [script, started_by]},
        "parallelismSpec": {"constant": 1},
        "datumTries": 1,
        "podPatch": json.dumps(_mount(f"{name}-project")),
    }


def _mount(claim: str) -> list[Spec]:
    """The changes that give Pachyderm's pod the project's volume."""
    volume = {"name": "project", "persistentVolumeClaim": {"claimName": claim}}
    return [
        {"op": "add", "path": "/volumes/-", "value": volume},
        {"op": "add", "path": "/containers/0/volumeMounts/-", "value": {"name": "project", "mountPath": "/project"}},
    ]
