"""Server and loop together: what is reported, and what waits. (Processes are started in tests/end_to_end/test_up.py.)"""

from __future__ import annotations

import fcntl
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.runtime.first_steps import FirstSteps
from mlops_lab.runtime.up import Up, exclusive_run
from mlops_lab.serving.process.address import Address, listen

AT = datetime(2013, 3, 21, tzinfo=UTC)
GATES = [{"gate": "sanity", "passed": True, "reason": "fine"}, {"gate": "slices", "passed": False, "reason": "too bad"}]


class Recorder:
    """A watcher that keeps what it gets."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.decisions: list[Decision] = []
        self.errors: list[MlopsError] = []

    def stage_began(self, name: str) -> None:
        self.stages.append(name)

    def server_ready(self, address: Address, steps: FirstSteps | None) -> None:
        raise AssertionError("no server is started here")

    def decision_made(self, decision: Decision) -> None:
        self.decisions.append(decision)

    def failed(self, error: MlopsError) -> None:
        self.errors.append(error)

    def idle(self, address: Address, *, seconds: float) -> None:
        raise AssertionError("nothing waits here")


@pytest.fixture
def project(tiny, tmp_path: Path) -> Project:
    """A copy of the small project, in which nothing is live."""
    return load_project(shutil.copytree(tiny.project.root, tmp_path / "project"))


def refuse(version: int | None, evidence: dict[str, object]) -> Decision:
    return Decision(AT, DecisionKind.REFUSE, version, "gates", "identical to version 1", "loop", evidence)


def free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_one_run_at_a_time(project: Project) -> None:
    port = free_port()
    with (
        exclusive_run(project, port=port),
        pytest.raises(EnvironmentFault) as caught,
        exclusive_run(project, port=port),
    ):
        pass
    assert caught.value.code == "journal_locked"
    with exclusive_run(project, port=port):
        pass


def test_a_port_in_use_is_noticed_before_any_work(project: Project) -> None:
    with listen("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(EnvironmentFault) as caught, exclusive_run(project, port=port):
            pass
    assert caught.value.code == "port_busy"
    with (project.home / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it was released


def test_reasons_are_those_of_the_gates_that_did_not_pass(project: Project) -> None:
    up = Up(project, port=0, watcher=Recorder())
    assert up.refusal_reasons(refuse(None, {"gates": GATES})) == ["too bad"]
    assert up.refusal_reasons(refuse(None, {})) == ["identical to version 1"]


def test_an_identical_candidate_is_refused_for_the_earlier_reasons_too(project: Project) -> None:
    assert write_decision(Lake(project.lake_path), refuse(1, {"gates": GATES}), earlier=0)
    up = Up(project, port=0, watcher=Recorder())
    assert up.refusal_reasons(refuse(1, {})) == ["identical to version 1", "too bad"]


def test_an_error_is_reported_once_until_it_changes(project: Project) -> None:
    recorder = Recorder()
    up = Up(project, port=0, watcher=recorder)
    for what in ("full", "full", "broken", "full"):
        up._report(EnvironmentFault(what, code="disk"))
    assert [error.what for error in recorder.errors] == ["full", "broken", "full"]


def test_a_decision_of_another_command_is_no_error(project: Project) -> None:
    recorder = Recorder()
    up = Up(project, port=0, watcher=recorder)
    up._report(EnvironmentFault("somebody else decided", code="decided_meanwhile"))
    assert recorder.errors == []


def test_time_of_the_data_passes_only_when_something_comes_in(project: Project) -> None:
    up = Up(project, port=0, watcher=Recorder())
    up._positions = (-1,)
    assert up._is_due(), "the first tick"
    assert not up._is_due()
