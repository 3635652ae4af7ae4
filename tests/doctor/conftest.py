"""A project with version 1 live, and copies of it to break."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from live_projects import live_project, template

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.run import admit
from mlops_lab.project import Project

__all__ = ["live_project", "template"]


@pytest.fixture
def copied(live_project: Project, tmp_path: Path) -> Path:
    """The folder of a copy that a test may break."""
    return Path(shutil.copytree(live_project.root, tmp_path / "copied"))


@pytest.fixture
def with_settings(copied: Path) -> Callable[..., Patient]:
    """The copy, with these flags: `serving.port=9000`."""
    return lambda *flags: admit(copied, flags=flags)
