"""The workflow of a new project passes on the first push: run by `act`, in a clone, in an environment of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from running import mlops

from mlops_lab.starter.samples import SAMPLES

WORSE = """\
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=1, learning_rate=0.01, n_jobs=1, verbose=-1)
"""
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


@dataclass(frozen=True)
class Runner:
    """GitHub's workflows, run by `act` on this machine, in an environment of its own. Of the actions that it cannot
    download, the cache keeps the state in a folder, and the others do nothing."""

    environment: Path
    folder: Path

    def run(self, clone: Path, event: str, *, job: str, code: int = 0) -> list[str]:
        """The commands that were run for a job and those it needs."""
        state = self.folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        restore = f"if [ -d {state}/.mlops ]; then cp -r {state}/.mlops .; fi"
        actions = {
            "actions/setup-python@v6": {"": "true"},
            "actions/cache@v5": {"restore": restore, "save": f"rm -rf {state}/.mlops && cp -r .mlops {state}"},
            "actions/upload-artifact@v6": {"": f"cp validation.md {self.folder}"},
        }
        words = ["--platform", "ubuntu-latest=-self-hosted", "--no-cache-server", "--eventpath", self._write_event()]
        for name, steps in actions.items():
            folder = self.folder / name.replace("/", "-")
            for path, command in steps.items():
                (folder / path).mkdir(parents=True, exist_ok=True)
                (folder / path / "action.yml").write_text(write_action(command))
            words += ["--local-repository", f"{name}={folder}"]
        done = subprocess.run(
            [shutil.which("act") or "act", event, "--job", job, *words],
            cwd=clone,
            env=self._variables(),
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return re.findall(r"⭐ Run Main (?!actions/|a stand-in)(.*)", done.stdout)

    def _write_event(self) -> str:
        path = self.folder / "event.json"
        pull_request = {"number": 1, "base": {"ref": "main"}, "head": {"ref": "change"}}
        path.write_text(json.dumps({"pull_request": pull_request, "repository": {"default_branch": "main"}}))
        return str(path)

    def _variables(self) -> dict[str, str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLOPS"))}
        tools = Path(sys.executable).parent  # for ruff, which the environment has without its command
        return variables | {
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}:{tools}",
            "PIP_NO_INDEX": "1",
        }


def write_action(command: str) -> str:
    step = {"name": "a stand-in", "run": command, "shell": "bash"}
    names = ("path", "key", "restore-keys", "name", "if-no-files-found", "python-version")
    inputs = {name: {"description": "unused"} for name in names}
    action = {"name": "a stand-in", "description": "for tests", "inputs": inputs}
    return yaml.safe_dump(action | {"runs": {"using": "composite", "steps": [step]}})


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
    runner = Runner(environment, tmp_path / "runner")
    runner.folder.mkdir()
    install, lint, types = ["pip", "install"], ["ruff", "check"], ["python", "-m"]
    ran = runner.run(clone, "push", job="run")
    pushed = [install, lint, types, ["mlops", "contract"], ["python", "-m"], install, ["mlops", "run"]]
    assert [command.split()[:2] for command in ran] == pushed
    assert (environment / "bin/mlops").exists(), "it ran what its requirements.txt installs"
    assert (runner.folder / "state/.mlops/deployment.json").exists()
    git(clone, "checkout", "-b", "change")
    ran = runner.run(clone, "pull_request", job="validate")
    assert "mlops validate --report validation.md" in ran
    assert (runner.folder / "validation.md").read_text().startswith("## shop: passed\n")
    model = clone / "pipeline.py"
    model.write_text(f"{model.read_text()}\n\ndef model() -> Any:  # type: ignore[no-redef]  # noqa: F811\n{WORSE}")
    git(clone, "commit", "-am", "worse")
    runner.run(clone, "pull_request", job="validate", code=1)
    assert "backtest" in (runner.folder / "validation.md").read_text().splitlines()[0]


def test_a_project_passes_without_the_data_that_lies_outside(tmp_path: Path, environment: Path) -> None:
    (tmp_path / "shop.csv").write_text(SAMPLES["shop"].write())
    made: dict[str, Any] = mlops("init", "mine", "--data", "shop.csv", "--target", "late", cwd=tmp_path).data
    assert not [note for note in made["notes"] if str(tmp_path) in note]
    clone = push(tmp_path / "mine", tmp_path / "clones" / "mine")
    runner = Runner(environment, tmp_path / "runner")
    runner.folder.mkdir()
    ran = runner.run(clone, "pull_request", job="validate")
    assert [command.split()[0] for command in ran] == ["pip", "ruff", "python", "mlops", "python", "pip"]
    shutil.copy(tmp_path / "shop.csv", clone.parent)
    done = subprocess.run([environment / "bin/python", "-m", "pytest", "-q"], cwd=clone, capture_output=True, text=True)
    assert "2 passed" in done.stdout, done.stdout
