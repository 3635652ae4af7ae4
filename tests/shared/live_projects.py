"""The made-up project of the end-to-end tests, with version 1 live, as fixtures: a `conftest.py` imports them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from running import make_once, mlops, run_jobs
from synthetic import PAST_DAYS, make_world, write_project
from ticking import Job

from mlops_lab.project import Project, load_project


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The project after its first `mlops run`, the same folder as in the end-to-end tests. Never change it."""

    def make(folder: Path) -> None:
        write_project(folder, make_world())
        (folder / "run.json").write_text(mlops("run", project=folder).out)

    base = tmp_path_factory.getbasetemp()
    return make_once((base if worker_id == "master" else base.parent) / "parcels", make)


@pytest.fixture(scope="module")
def live_project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project in which version 1 is live."""
    return load_project(shutil.copytree(template, tmp_path_factory.mktemp("live") / "parcels"))


@pytest.fixture(scope="session")
def measured_template(template: Path) -> Path:
    """The project after two more days, which were measured. Never change it."""

    def make(folder: Path) -> None:
        run_jobs([Job(source=str(template), target=str(folder), first=PAST_DAYS, last=PAST_DAYS + 2)])

    return make_once(template.with_name("measured-parcels"), make)


@pytest.fixture(scope="module")
def measured_project(measured_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project in which version 1 is live, and two days were measured."""
    return load_project(shutil.copytree(measured_template, tmp_path_factory.mktemp("measured") / "parcels"))
