"""Every workflow that is written for GitHub, checked by actionlint; its shell commands by ShellCheck."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tool_runs import PEERS, REPOSITORY
from webhook import skip_without

from mlops_lab.ci.github import write_workflow
from mlops_lab.ci.plan import CIPlan
from mlops_lab.learn.catalog import read_exercises
from mlops_lab.learn.handout.classroom import render_workflow

pytestmark = pytest.mark.tools

TOOLS = PEERS / "workflows" / "bin"
PROJECTS = {
    f"data {has_data}, contract {checks_contract}": write_workflow(
        CIPlan(has_data=has_data, checks_contract=checks_contract)
    )
    for has_data in (True, False)
    for checks_contract in (True, False)
}
WORKFLOWS = {
    **PROJECTS,
    "GitHub Classroom": render_workflow(read_exercises()),
    "release": (REPOSITORY / ".github" / "workflows" / "release.yml").read_text(),
}


def lint(workflow: str, folder: Path) -> list[str]:
    """What actionlint complains about, a line each."""
    skip_without("actionlint", is_there=(TOOLS / "actionlint").exists(), install="make peers")
    path = folder / "workflow.yml"
    path.write_text(workflow)
    done = subprocess.run(
        [TOOLS / "actionlint", "-oneline", "-no-color", "-shellcheck", TOOLS / "shellcheck", path],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": os.defpath},
    )
    assert done.returncode in {0, 1}, done.stderr
    assert bool(done.stdout) is (done.returncode == 1)
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_workflow_has_a_fault(name: str, tmp_path: Path) -> None:
    assert lint(WORKFLOWS[name], tmp_path) == []


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("github.base_ref", "github.base_reff", 'property "base_reff" is not defined'),
        ("needs: check", "needs: chek", 'needs job "chek" which does not exist'),
        ('cron: "17 * * * *"', 'cron: "17 * * *"', "invalid CRON format"),
        ("fetch-depth: 0", "fetch-dept: 0", 'input "fetch-dept" is not defined'),
        ("actions/checkout@v5", "actions/checkout@v4", "node20"),
        ('"origin/$BASE"', "origin/$BASE", "SC2086"),
    ],
)
def test_faults_are_found(before: str, after: str, complaint: str, tmp_path: Path) -> None:
    workflow = write_workflow(CIPlan(has_data=True))
    assert before in workflow
    complaints = lint(workflow.replace(before, after), tmp_path)
    assert complaints
    assert all(complaint in line for line in complaints), complaints
