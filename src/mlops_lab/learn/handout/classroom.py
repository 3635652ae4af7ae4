"""`mlops learn export --to classroom`: a template repository whose workflow grades each push in GitHub Classroom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.handout.folder import fill
from mlops_lab.starter.requirement import PackageRequirement

WORKFLOW = ".github/workflows/classroom.yml"
_IGNORED = "__pycache__/\n*.old-*/\n"
_HEAD = """\
# Written by `mlops learn export --to classroom`. Each exercise is a test of GitHub Classroom. The id of the repository
# is the seed of the hidden data: each student gets other data, and the same on every push.
name: Autograding Tests

on:
  push:
  workflow_dispatch:
  repository_dispatch:

permissions:
  checks: write
  actions: read
  contents: read

jobs:
  run-autograding-tests:
    runs-on: ubuntu-latest
    if: github.actor != 'github-classroom[bot]'
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
          cache: pip
      - run: pip install -r requirements.txt
"""
_STEP = """\
      - name: {name}
        id: {name}
        uses: classroom-resources/autograding-command-grader@v1
        with:
          test-name: {name}
          command: mlops learn check {name} --seed ${{{{ github.repository_id }}}}
          timeout: 2
          max-score: {points}
"""
_REPORT = """\
      - name: report
        uses: classroom-resources/autograding-grading-reporter@v1
        env:
{results}
        with:
          runners: {names}
"""


def write_repository(
    folder: Path, exercises: Sequence[Exercise], *, seed: int, requirement: PackageRequirement
) -> None:
    """Write the repository's files into an empty folder."""
    fill(folder, exercises, seed=seed, requirement="-r requirements.txt")
    (folder / "requirements.txt").write_text(f"{requirement.line}\n", encoding="utf-8")
    if requirement.wheel:
        (folder / requirement.wheel_path).parent.mkdir(parents=True, exist_ok=True)
        (folder / requirement.wheel_path).write_bytes(requirement.wheel)
    (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    workflow = folder / WORKFLOW
    workflow.parent.mkdir(parents=True)
    workflow.write_text(render_workflow(exercises), encoding="utf-8")


def render_workflow(exercises: Sequence[Exercise]) -> str:
    """The workflow: a test for each exercise, worth as many points as it takes minutes, and the report."""
    names = [exercise.name for exercise in exercises]
    steps = "".join(_STEP.format(name=exercise.name, points=exercise.text.minutes) for exercise in exercises)
    results = "\n".join(f'          {name.upper()}_RESULTS: "${{{{ steps.{name}.outputs.result }}}}"' for name in names)
    return _HEAD + steps + _REPORT.format(results=results, names=",".join(names))
