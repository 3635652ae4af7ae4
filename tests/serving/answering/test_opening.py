"""A service is opened though the routing table is replaced meanwhile, or a killed worker still has the journal."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.writer import Journal
from mlops_lab.project import Project
from mlops_lab.serving.answering import opening
from mlops_lab.serving.answering.opening import open_service
from mlops_lab.serving.answering.routing_table import RoutingTable, write_routing_table


@pytest.fixture
def home(project: Project) -> Path:
    project.home.mkdir(exist_ok=True)
    return project.home


def test_the_journal_of_a_worker_that_dies_is_waited_for(
    project: Project, home: Path, routing_table: RoutingTable
) -> None:
    write_routing_table(project.deployment_path, routing_table)
    journal = Journal(project.journal_path)
    threading.Timer(0.5, journal.close).start()
    open_service(project).close()


def test_one_that_does_not_die_is_an_error(
    project: Project, home: Path, routing_table: RoutingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PATIENCE_SECONDS", 0.2)
    write_routing_table(project.deployment_path, routing_table)
    journal = Journal(project.journal_path)
    with pytest.raises(EnvironmentFault) as caught:
        open_service(project)
    assert caught.value.code == "journal_locked"
    journal.close()


def test_a_table_that_is_replaced_meanwhile_is_read_again(
    project: Project, home: Path, routing_table: RoutingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a tick that prepares another state, and deletes the one that the server was about to read."""
    write_routing_table(project.deployment_path, msgspec.structs.replace(routing_table, state="deleted"))
    service = opening.Service

    def replaced(*arguments: object, **named: object) -> object:
        write_routing_table(project.deployment_path, routing_table)
        return service(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "Service", replaced)
    opened = open_service(project)
    assert opened.models.routing_table == routing_table
    opened.close()


def test_a_state_that_is_missing_is_an_error_at_once(project: Project, home: Path, routing_table: RoutingTable) -> None:
    write_routing_table(project.deployment_path, msgspec.structs.replace(routing_table, state="deleted"))
    began = time.perf_counter()
    with pytest.raises(EnvironmentFault) as caught:
        open_service(project)
    assert caught.value.code == "state_missing"
    assert time.perf_counter() - began < 5.0
    Journal(project.journal_path).close()  # it was let go
