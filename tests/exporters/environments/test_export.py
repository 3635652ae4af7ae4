"""The environment in the format of each tool."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import get_args

import pytest
import yaml
from environments import OWN, SOURCE, put_uv

from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.environments.export import FORMATS, Tool, export_environment


def test_every_tool_has_a_format() -> None:
    assert set(get_args(Tool)) == set(FORMATS)


@pytest.mark.parametrize("tool", FORMATS)
def test_it_is_written_whole_with_the_wheel(tool: Tool, tmp_path: Path) -> None:
    steps = export_environment(SOURCE, tool, tmp_path / "out", with_hashes=False)
    assert steps
    assert not [step for step in steps if "{" in step]
    assert (tmp_path / "out" / OWN.path).read_bytes() == OWN.content
    with pytest.raises(InvalidInput) as caught:
        export_environment(SOURCE, tool, tmp_path / "out", with_hashes=False)
    assert caught.value.code == "folder_taken"


def test_pip_gets_hashes_and_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_uv(tmp_path / "programs", monkeypatch)
    export_environment(SOURCE, "pip", tmp_path / "out", with_hashes=True)
    lines = (tmp_path / "out" / "requirements.txt").read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["numpy==2.4.0", "polars==2.0.0", f"./{OWN.path}"]
    assert all("--hash=sha256:" in line for line in lines)
    assert OWN.sha256 in lines[-1]


@pytest.mark.parametrize("tool", ["uv", "poetry"])
def test_a_project_requires_exactly_these_versions(tool: Tool, tmp_path: Path) -> None:
    export_environment(SOURCE, tool, tmp_path / "out", with_hashes=True)  # it needs no uv: the tool makes its lock
    project = tomllib.loads((tmp_path / "out" / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == "==3.11.7"
    assert project["project"]["dependencies"] == ["numpy==2.4.0", "polars==2.0.0", "mlops-lab"]
    own = project["tool"]["uv"]["sources"] if tool == "uv" else project["tool"]["poetry"]["dependencies"]
    assert own == {"mlops-lab": {"path": OWN.path}}


def test_conda_gets_python_and_the_same_wheels(tmp_path: Path) -> None:
    export_environment(SOURCE, "conda", tmp_path / "out", with_hashes=False)
    written = yaml.safe_load((tmp_path / "out" / "environment.yml").read_text())
    assert written["channels"] == ["conda-forge", "nodefaults"]
    assert written["dependencies"] == ["python=3.11.7", "pip", {"pip": ["-r requirements.txt"]}]


def test_an_editor_finds_the_dockerfile_and_python(tmp_path: Path) -> None:
    export_environment(SOURCE, "devcontainer", tmp_path / ".devcontainer", with_hashes=False)
    written = json.loads((tmp_path / ".devcontainer" / "devcontainer.json").read_text())
    assert (tmp_path / ".devcontainer" / written["build"]["dockerfile"]).is_file()
    assert "COPY own.txt" in (tmp_path / ".devcontainer" / "Dockerfile").read_text()
    assert OWN.line in (tmp_path / ".devcontainer" / "own.txt").read_text()
