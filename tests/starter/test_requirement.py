"""How other machines get the package, by how this one got it (direct_url.json, PEP 610)."""

from __future__ import annotations

import json
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.starter.requirement import require_package

COMMIT = "a" * 40
REPOSITORY = "https://forge.example/lab.git"


def installed(folder: Path, source: dict[str, Any] | None) -> PathDistribution:
    info = folder / "mlops_lab-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mlops-lab\nVersion: 1.2\n")
    if source is not None:
        (info / "direct_url.json").write_text(json.dumps(source))
    return PathDistribution(info)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (None, "mlops-lab[excel]==1.2"),
        (
            {"url": REPOSITORY, "vcs_info": {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"}},
            f"mlops-lab[excel] @ git+{REPOSITORY}@{COMMIT}",
        ),
        (
            {"url": "https://forge.example/mlops_lab-1.2-py3-none-any.whl", "archive_info": {}},
            "mlops-lab[excel] @ https://forge.example/mlops_lab-1.2-py3-none-any.whl",
        ),
    ],
)
def test_what_others_can_reach_is_named(tmp_path: Path, source: dict[str, Any] | None, line: str) -> None:
    requirement = require_package(installed(tmp_path, source), "[excel]")
    assert (requirement.line, requirement.wheel) == (line, b"")


@pytest.mark.parametrize(
    "source",
    [
        {"url": "file:///home/me/lab", "dir_info": {"editable": True}},
        {"url": "file:///home/me/mlops_lab-1.2-py3-none-any.whl", "archive_info": {}},
        {"url": "file:///home/me/lab", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
    ],
)
def test_what_only_this_machine_has_goes_with_the_project(tmp_path: Path, source: dict[str, Any]) -> None:
    requirement = require_package(installed(tmp_path, source))
    assert requirement.line == f"./{requirement.wheel_path}" == "./wheels/mlops_lab-1.2-py3-none-any.whl"
    assert requirement.wheel[:2] == b"PK"
    assert "/home/me" not in requirement.line + requirement.reason
