"""The workflow of a new project passes on the first push: its steps, in a clone, in an environment of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from running import mlops

from mlops_lab.starter.samples import SAMPLES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment. It sees what MLOps Lab depends on, and not MLOps Lab."""
    folder = tmp_path_factory.mktemp("runner")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    dependencies = folder / "dependencies"
    dependencies.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not re.search(r"mlops_lab|\.pth$|^(pip|setuptools)\b", path.name):
            (dependencies / path.name).symlink_to(path)
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(str(dependencies))
    return folder / "venv"


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def push(project: Path, to: Path) -> Path:
    """A clone of all that git takes of the project: what a runner checks out."""
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "-m", "first")
    git(project.parent, "clone", str(project), str(to))
    return to


def run_workflow(clone: Path, environment: Path) -> list[str]:
    """Run the steps as GitHub would for a pull request into main; the commands that were run."""
    (job,) = yaml.safe_load((clone / ".github/workflows/mlops.yml").read_text())["jobs"].values()
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLOPS"))}
    variables |= {"PATH": f"{environment / 'bin'}:{os.environ['PATH']}", "PIP_NO_INDEX": "1", "BASE": "main"}
    variables |= job.get("env", {})
    ran = []
    for step in job["steps"]:
        if "run" in step and is_met(step.get("if"), variables):
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]], cwd=clone, env=variables, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, f"{step['run']}\n{done.stdout}\n{done.stderr}"
            ran.append(step["run"])
    return ran


def is_met(condition: str | None, variables: dict[str, str]) -> bool:
    return {None: True, "github.base_ref": True}.get(condition, variables.get("HAS_DATA") == "true")


def texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file() and ".git/" not in path.as_posix():
            yield path.name, path.read_bytes()
            if path.suffix == ".whl":
                with zipfile.ZipFile(path) as wheel:
                    yield from ((name, wheel.read(name)) for name in wheel.namelist())


def test_a_sample_project_passes(tmp_path: Path, environment: Path) -> None:
    mlops("init", "--sample", "shop", cwd=tmp_path)
    clone = push(tmp_path / "shop", tmp_path / "clone")
    here = [str(path).encode() for path in (tmp_path, Path(__file__).parents[2], sys.prefix, Path.home() / "x")]
    assert [(name, place) for name, text in texts(clone) for place in here if place.rstrip(b"x") in text] == []
    ran = run_workflow(clone, environment)
    assert [command.split()[:2] for command in ran] == [
        ["pip", "install"],
        ["mlops", "contract"],
        ["mlops", "contract"],
        ["python", "-m"],
        ["mlops", "run"],
    ]
    assert (environment / "bin/mlops").exists(), "it ran what its requirements.txt installs"


def test_a_project_passes_without_the_data_that_lies_outside(tmp_path: Path, environment: Path) -> None:
    (tmp_path / "shop.csv").write_text(SAMPLES["shop"].write())
    made: dict[str, Any] = mlops("init", "mine", "--data", "shop.csv", "--target", "late", cwd=tmp_path).data
    assert not [note for note in made["notes"] if str(tmp_path) in note]
    clone = push(tmp_path / "mine", tmp_path / "clones" / "mine")
    ran = run_workflow(clone, environment)
    assert [command.split()[0] for command in ran] == ["pip", "mlops", "python"]
    shutil.copy(tmp_path / "shop.csv", clone.parent)
    done = subprocess.run([environment / "bin/python", "-m", "pytest", "-q"], cwd=clone, capture_output=True, text=True)
    assert "2 passed" in done.stdout, done.stdout
