"""What is exported for Pachyderm: its SDK knows every field, and the commands make the same version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tool_runs import export, live_version, refuse_all, run

pytestmark = [pytest.mark.tools, pytest.mark.exporter("pachyderm"), pytest.mark.timeout(900)]
READ = """
import json
from pachyderm_sdk.api import pps

for name in ("train", "loop"):
    print(json.dumps(pps.CreatePipelineRequest().from_dict(json.load(open(f"{name}.json"))).to_dict()))
"""


def read_spec(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return found


def run_as_pachyderm(folder: Path, name: str, *, code: int = 0) -> Path:
    """Run the commands of the pipeline, with folders in place of `/pfs` and `/project`; the folder of the output."""
    pfs, project = folder.parent.parent / f"pfs-{name}", folder.parent
    for part in ("steps", "data/data", "out"):
        (pfs / part).mkdir(parents=True)
    (pfs / "steps" / "steps.py").write_bytes((folder / "steps.py").read_bytes())
    for file in (project / "data").iterdir():
        file.rename(pfs / "data" / "data" / file.name) if name == "train" else None
    transform = read_spec(folder, name)["transform"]
    assert transform["env"]["MLOPS_PROJECT"] == "/project"
    commands = "\n".join(transform["stdin"]).replace("/pfs/", f"{pfs}/")
    run([*transform["cmd"], "-c", commands], pfs, tool="pachyderm", code=code, MLOPS_PROJECT=str(project))
    return pfs / "out"


def test_its_types_know_every_field(week: Path) -> None:
    with (week / "mlops.toml").open("a") as file:
        file.write('\n[alerts.channels]\nteam = "env:ALERTS_URL"\n')
    folder = export("pachyderm", week)
    read = [json.loads(line) for line in run(["python", "-c", READ], folder, tool="pachyderm").stdout.splitlines()]
    for name, found in zip(("train", "loop"), read, strict=True):
        spec = read_spec(folder, name)
        numbers = {"datumTries": str(spec["datumTries"]), "parallelismSpec": {"constant": "1"}}
        assert found == {**spec, **numbers}, "a field that its types do not know is dropped"


def test_its_commands_make_the_same_version(week: Path, week_fingerprint: str) -> None:
    folder = export("pachyderm", week)
    out = run_as_pachyderm(folder, "train")
    version = json.loads((out / "version.json").read_text())
    assert (version["version"], version["fingerprint"]) == (1, week_fingerprint)
    assert live_version(week) == 1
    assert json.loads((run_as_pachyderm(folder, "loop") / "tick.json").read_text())["decisions"] == []


def test_a_gate_that_refuses_fails_the_job(week: Path) -> None:
    refuse_all(week)
    assert list(run_as_pachyderm(export("pachyderm", week), "train", code=1).iterdir()) == []
    assert live_version(week) is None
