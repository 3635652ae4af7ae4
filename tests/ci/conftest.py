"""The made-up project with a weak champion, and changes of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from running import make_once, mlops
from synthetic import make_world, write_project


@pytest.fixture(scope="session")
def live_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The project after its first `mlops run`, with a model of two trees. Never change it."""

    def make(folder: Path) -> None:
        write_project(folder, make_world())
        edit(folder / "mlops.toml", "days = 4\nmin_days = 3", "share = 0.3")
        edit(folder / "pipeline.py", "n_estimators=20, learning_rate=0.2", "n_estimators=2, learning_rate=0.01")
        mlops("run", project=folder)

    base = tmp_path_factory.getbasetemp()
    return make_once((base if worker_id == "master" else base.parent) / "parcels of two trees", make)


@pytest.fixture
def folder(live_folder: Path, tmp_path: Path) -> Path:
    """A copy of the project in which version 1 is live."""
    return Path(shutil.copytree(live_folder, tmp_path / "parcels"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
