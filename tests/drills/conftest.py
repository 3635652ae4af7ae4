"""A project with enough history, made once a worker."""

import pytest
from drills_project import write_project

from mlops_lab.project import Project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Never change it."""
    return write_project(tmp_path_factory.mktemp("drills") / "shop")
