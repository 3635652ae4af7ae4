"""The template repository of GitHub Classroom: the commands of its workflow grade it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml
from running import MLOPS

from mlops_lab.learn.catalog import find_exercise, read_exercises
from mlops_lab.learn.folder import work_folder
from mlops_lab.learn.handout.classroom import WORKFLOW, render_workflow, write_repository
from mlops_lab.starter.requirement import PackageRequirement

SOLVED, OPEN = find_exercise("pipe-exit-code"), find_exercise("late-labels")


def read_job(text: str) -> dict[str, Any]:
    job: dict[str, Any] = yaml.safe_load(text)["jobs"]["run-autograding-tests"]
    return job


def test_the_commands_of_the_workflow_grade_each_exercise(tmp_path: Path) -> None:
    requirement = PackageRequirement("./wheels/mlops_lab.whl", "a wheel", b"wheel", "wheels/mlops_lab.whl")
    write_repository(tmp_path, [SOLVED, OPEN], seed=7, requirement=requirement)
    assert (tmp_path / "requirements.txt").read_text() == "./wheels/mlops_lab.whl\n"
    assert (tmp_path / "wheels/mlops_lab.whl").read_bytes() == b"wheel"
    shutil.copytree(SOLVED.folder / "solution", work_folder(tmp_path, SOLVED), dirs_exist_ok=True)
    steps = read_job((tmp_path / WORKFLOW).read_text())["steps"]
    commands = {step["id"]: step["with"]["command"] for step in steps if "command" in step.get("with", {})}
    assert {name: grade(command, tmp_path) for name, command in commands.items()} == {SOLVED.name: 0, OPEN.name: 1}


def grade(command: str, folder: Path) -> int:
    """The exit code of a command, as GitHub fills it in and the action runs it."""
    line = command.replace("${{ github.repository_id }}", "987654321")
    assert "${{" not in line
    line = line.replace("mlops ", f"{shlex.join(MLOPS)} ", 1)
    return subprocess.run(line, shell=True, cwd=folder, env=os.environ, capture_output=True, check=False).returncode


def test_the_report_gets_the_result_of_each_test() -> None:
    exercises = read_exercises()
    *steps, report = read_job(render_workflow(exercises))["steps"]
    tests = [step for step in steps if "id" in step]
    assert [step["id"] for step in tests] == [exercise.name for exercise in exercises]
    assert [step["with"]["max-score"] for step in tests] == [exercise.text.minutes for exercise in exercises]
    assert report["with"]["runners"] == ",".join(step["id"] for step in tests)
    assert report["env"] == {
        f"{step['id'].upper()}_RESULTS": f"${{{{ steps.{step['id']}.outputs.result }}}}" for step in tests
    }
