"""The flights of a week, for tools that run the project's steps; and the table of what the tools said."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_projects import live_project, measured_project, measured_template, template
from peer_servers import answers_of
from running import serving
from tool_runs import train_plainly, write_week

from mlops_lab.project import Project

__all__ = ["live_project", "measured_project", "measured_template", "template"]


@pytest.fixture(scope="module")
def answers(live_project: Project) -> list[float]:
    """What our server answers to `ROWS` of `peer_servers`."""
    with serving(live_project) as server:
        return answers_of(server)


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """The flights project with the data of one week, before its first run."""
    write_week(tmp_path / "flights")
    return tmp_path / "flights"


@pytest.fixture(scope="session")
def week_fingerprint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """That of the version that `mlops run` makes of the flights of the week."""
    folder = tmp_path_factory.mktemp("plain") / "flights"
    write_week(folder)
    return train_plainly(folder)
