"""The environment for Conda, read by its own reader of environments, and its packages by the matchers of Conda and of
rattler, which mamba and pixi share. Which versions conda-forge has is told by no package."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest
from running import MLOPS
from tool_runs import run

from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.timeout(300)]
READ = """
import json
import rattler
from conda_lock._vendor.conda.env.env import from_file
from conda_lock._vendor.conda.models.match_spec import MatchSpec

read = from_file("environment.yml")
packages = read.dependencies["conda"]
for package in packages:
    rattler.MatchSpec(package, strict=True)
matched = {MatchSpec(package).name: str(MatchSpec(package).version) for package in packages}
print(json.dumps({"channels": read.channels, "matched": matched, "pip": read.dependencies["pip"]}))
"""


def test_conda_and_rattler_read_the_environment(live_project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "conda"
    run([*MLOPS, "env", "export", "1", "--to", "conda", "--no-hashes", "--dir", str(folder)], live_project.root)
    found = json.loads(run(["python", "-c", READ], folder, tool="conda").stdout)
    assert found["channels"] == ["conda-forge", "nodefaults"]
    assert found["matched"]["python"] == f"{platform.python_version()}.*"
    assert set(found["matched"]) == {"python", "pip"}
    assert found["pip"] == ["-r requirements.txt"]
    assert (folder / "requirements.txt").is_file()
