"""The made-up project of the end-to-end tests, with version 1 live: what exporters are tried on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from live_projects import live_project, measured_project, measured_template, template
from synthetic import make_world, write_project

from mlops_lab.project import Project, load_project

__all__ = ["live_project", "measured_project", "measured_template", "template"]


@pytest.fixture(scope="session")
def new_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project before its first `mlops run`: no version is live. Never change it."""
    folder = tmp_path_factory.mktemp("new") / "parcels"
    write_project(folder, make_world())
    return folder


@pytest.fixture
def new_project(new_template: Path, tmp_path: Path) -> Project:
    """A copy of it for one test."""
    return load_project(shutil.copytree(new_template, tmp_path / "parcels"))


@pytest.fixture
def edit_config(live_project: Project, tmp_path: Path) -> Callable[[str, str], Project]:
    """Makes a copy of the project with one text of its mlops.toml replaced."""

    def edit(old: str, new: str) -> Project:
        folder = Path(shutil.copytree(live_project.root, tmp_path / "edited"))
        text = (folder / "mlops.toml").read_text()
        assert old in text
        (folder / "mlops.toml").write_text(text.replace(old, new))
        return load_project(folder)

    return edit
