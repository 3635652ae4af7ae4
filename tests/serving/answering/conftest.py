"""What tests of answering share: the small project, ready to be served without a lake or a loop."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlops_lab.journal.segments import write_segment
from mlops_lab.project import Project, load_project
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.answering.worker_state import PREDICTION_INDEX


@pytest.fixture
def project(tiny: Any, tmp_path: Path) -> Project:
    """A copy of the small project with its package, and an empty state to start from."""
    root = tmp_path / "project"
    shutil.copytree(tiny.project.root, root)
    (root / "state").mkdir()
    write_segment(root / "state" / PREDICTION_INDEX, [])
    return load_project(root)


@pytest.fixture
def champion(tiny: Any) -> LiveVersion:
    return LiveVersion(1, "package", tiny.fingerprint)


@pytest.fixture
def challenger(tiny: Any) -> LiveVersion:
    """The same package as a version of its own."""
    return LiveVersion(2, "package", tiny.fingerprint)


@pytest.fixture
def routing_table(champion: LiveVersion) -> RoutingTable:
    return RoutingTable(generation=1, champion=champion, state="state")


@pytest.fixture
def make_service(project: Project, routing_table: RoutingTable) -> Iterator[Callable[..., Service]]:
    """Makes a service of the project, with some parts of its routing table replaced; closes it in the end."""
    services = []

    def make(**changes: Any) -> Service:
        services.append(Service(project, msgspec.structs.replace(routing_table, **changes)))
        return services[-1]

    yield make
    for service in services:
        service.close()


@pytest.fixture
def make_request(tiny: Any) -> Callable[..., dict[str, Any]]:
    """Makes a request of the small project as a client sends it."""
    asked_at = tiny.now.isoformat()
    fields = {"asked_at": asked_at, "customer": "c1", "shop": "a", "amount": 20.0, "express": False, "id": None}
    return lambda **changes: {**fields, **changes}
