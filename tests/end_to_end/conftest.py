"""A made-up project with version 1 live, made once a session and copied for each test."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from replaying import SPAN, Replayed, replay
from running import Server, make_once, mlops, run_jobs, serving
from s3_server import s3_server
from small_tables import WRITERS
from synthetic import World, make_world, write_project
from ticking import Job
from tracking_session import start_tracking

from mlops_lab.project import Project, load_project


def pytest_configure(config: pytest.Config) -> None:
    """With `make test-tracking`: the server at which all projects keep their runs and versions."""
    start_tracking(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes are started here, a model is trained: on a busy machine that takes its time."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session", autouse=True)
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """With `make test-store`: the store in which all projects keep their tables."""
    if "MLOPS_TEST_STORE" not in os.environ:
        yield
        return
    with s3_server(tmp_path_factory.mktemp("store")) as server:
        os.environ.update(server.variables)
        yield


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder of all workers of this session."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def template(shared: Path, world: World) -> Path:
    """The project after its first `mlops run`, whose words stand in `run.json`. Never change it."""

    def make(folder: Path) -> None:
        write_project(folder, world)
        (folder / "run.json").write_text(mlops("run", project=folder).out)

    return make_once(shared / "parcels", make)


@pytest.fixture(scope="session")
def lived(shared: Path, template: Path) -> Path:
    """A folder with `due`, the project on day 29, at whose end a retraining is due, and `promoted`, the same on day 33
    with version 2 as champion; nothing was killed on the way. Never change them."""

    def make(folder: Path) -> None:
        folder.mkdir()
        due, promoted = str(folder / "due"), str(folder / "promoted")
        run_jobs(
            [
                Job(source=str(template), target=due, first=24, last=29),
                Job(source=due, target=promoted, first=29, last=33),
            ]
        )

    return make_once(shared / "lived", make)


@pytest.fixture(scope="module")
def copy_project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Project]:
    """Makes copies of the template, or of another project."""

    def copy(source: Path = template) -> Project:
        folder = tmp_path_factory.mktemp("project") / "parcels"
        shutil.copytree(source, folder)
        return load_project(folder)

    return copy


@pytest.fixture
def project(copy_project: Callable[..., Project]) -> Project:
    """A copy for one test."""
    return copy_project()


@pytest.fixture
def server(project: Project) -> Iterator[Server]:
    """A server of the test's own project."""
    with serving(project) as running:
        yield running


@pytest.fixture(scope="module")
def shared_server(copy_project: Callable[..., Project]) -> Iterator[Server]:
    """One server for the tests of a file that only ask."""
    with serving(copy_project()) as running:
        yield running


@pytest.fixture(scope="session")
def trained(shared: Path) -> dict[str, Path]:
    """Both projects after their first `mlops run`; never change them."""

    def make(name: str) -> Path:
        def write(folder: Path) -> None:
            WRITERS[name](folder)
            (folder / "run.json").write_text(mlops("run", project=folder).out)

        return make_once(shared / name, write)

    return {name: make(name) for name in WRITERS}


@pytest.fixture
def copies(trained: dict[str, Path], tmp_path: Path) -> Any:
    """Makes a copy of one of them for one test."""
    return lambda name: load_project(shutil.copytree(trained[name], tmp_path / name))


@pytest.fixture(scope="session")
def replayed(shared: Path) -> Replayed:
    def make(folder: Path) -> None:
        result = replay(folder / "demo", SPAN)
        (folder / "result.json").write_text(json.dumps(result))

    folder = make_once(shared / "replayed", make)
    return Replayed(folder / "demo", json.loads((folder / "result.json").read_text()))
