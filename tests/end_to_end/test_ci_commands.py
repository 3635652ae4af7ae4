"""`mlops validate` and `mlops ci init`, from the command line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from running import mlops

from mlops_lab.project import Project


def test_validate_writes_its_report_where_it_is_wanted(project: Project, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    report = tmp_path / "report.md"
    variables = os.environ | {"GITHUB_STEP_SUMMARY": str(summary)}
    before = mlops("history", project=project.root).out
    ran = mlops("validate", "--report", report, project=project.root, env=variables)
    assert (ran.data["passed"], ran.data["champion"]) == (True, 1)
    assert report.read_text().startswith("## parcels: passed\n")
    assert summary.read_text() == f"before\n{report.read_text()}"
    assert mlops("history", project=project.root).out == before


def test_validate_ends_with_1_where_a_check_says_no(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "branch"
    shutil.copytree(project.root, folder, ignore=shutil.ignore_patterns(".mlops"))
    config = folder / "mlops.toml"
    config.write_text(config.read_text().replace('items = "integer"', 'items = "string"'))
    ran = mlops("validate", "--live", project.root, project=folder, code=1)
    assert not ran.data["passed"]
    assert "error: the change is refused by contract changes" in ran.err
    assert not (folder / ".mlops").exists()


def test_a_report_that_cannot_be_written(project: Project, tmp_path: Path) -> None:
    error = mlops("validate", "--report", tmp_path / "no" / "report.md", project=project.root, code=2).error
    assert error["where"] == str(tmp_path / "no" / "report.md")


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_ci_init(project: Project, tmp_path: Path, provider: str) -> None:
    folder = Path(shutil.copytree(project.root, tmp_path / "parcels", ignore=shutil.ignore_patterns(".mlops")))
    (main,) = {"github": [".github/workflows/mlops.yml"], "gitlab": [".gitlab-ci.yml"]}[provider]
    words = ("ci", "init", "--provider", provider)
    checked = mlops(*words, "--check", project=folder, code=1)
    assert json.loads(checked.out)["files"] == {main: "new", ".pre-commit-config.yaml": "new"}
    assert not (folder / main).exists()
    assert mlops(*words, project=folder).data["written"]
    assert set(mlops(*words, "--check", project=folder).data["files"].values()) == {"same"}
    (folder / main).write_text("mine: {}\n")
    assert mlops(*words, project=folder, code=2).error["where"] == main
    assert (folder / main).read_text() == "mine: {}\n"
