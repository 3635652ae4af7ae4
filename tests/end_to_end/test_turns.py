"""Several processes of one project: who has the server, who decides, and what an interrupted or impossible rollback
leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from running import MLOPS, mlops, mlops_serve, serving, until
from slow import mostly_slow

from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.project.owners import Role, take_role
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.process.address import find_server


@pytest.fixture
def promoted(lived: Path, copy_project: Callable[..., Project]) -> Project:
    """Version 2 is live, and version 1 was before."""
    return copy_project(lived / "promoted")


@pytest.fixture
def third(promoted: Project) -> Project:
    """Version 3, a copy of version 2, is live; 2 and 1 were before."""
    loop = Loop(promoted)
    found = next(one.evidence for one in loop.decisions if one.version == 2 and "package" in one.evidence)
    shutil.copytree(promoted.root / found["package"], promoted.root / "third")
    evidence = {"package": "third", "fingerprint": found["fingerprint"]}
    loop.record(Decision(loop.decisions[-1].at, DecisionKind.PROMOTE, 3, "test", "a third", "test", evidence))
    loop.act()
    return promoted


def start(folder: Path, *words: object) -> subprocess.Popen[str]:
    """A command, started; it says JSON."""
    command = [*MLOPS, *(str(word) for word in words), "--project", str(folder), "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    return subprocess.Popen(command, **pipes, text=True)  # type: ignore[call-overload, no-any-return]


def error_of(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    out, err = process.communicate(timeout=100)
    assert "Traceback" not in err
    error: dict[str, Any] = json.loads(out.splitlines()[-1])["error"]
    return process.returncode, error


def pid_of_server(project: Project) -> int:
    address = find_server(project)
    assert address is not None
    return address.pid


def history(project: Project) -> list[tuple[str, int | None]]:
    return [(one["what"], one["version"]) for one in mlops("history", project=project.root).data["decisions"]]


# ---- one server ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", mostly_slow([1, 2], quick=[1]))
def test_of_several_servers_that_start_at_once_one_answers(project: Project, workers: int) -> None:
    """Each worker used to take a journal by itself: each server got some of them, and all died."""
    processes = [start(project.root, "serve", "--port", 0, "--workers", workers) for _ in range(3)]
    try:
        until(lambda: sum(process.poll() is None for process in processes) == 1, seconds=60)
        (winner,) = [process for process in processes if process.poll() is None]
        until(lambda: find_server(project) is not None, seconds=60)
        for process in processes:
            if process is not winner:
                code, error = error_of(process)
                assert (code, error["code"]) == (3, "journal_locked")
                assert f"process {winner.pid} (`mlops serve`), since 20" in error["what"]
        address = find_server(project)
        assert address is not None
        assert address.pid == winner.pid
        for command in ("serve", "up"):
            told = mlops(command, "--port", 0, project=project.root, code=3).error
            assert f"process {winner.pid} (`mlops serve`), since 20" in told["what"]
            assert str(address.port) in told["where"]
        winner.send_signal(signal.SIGINT)
        assert winner.wait(timeout=30) == 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("workers", mostly_slow([1, 2], quick=[2]))
def test_after_kill_9_the_next_server_starts(project: Project, workers: int) -> None:
    for _ in range(2):
        process = start(project.root, "serve", "--port", 0, "--workers", workers)
        until(lambda: find_server(project) is not None, seconds=60)
        process.kill()
        process.communicate()
    with mlops_serve(project.root, "--workers", str(workers)) as ready:
        assert ready["pid"]


def test_after_kill_9_the_next_up_starts_and_has_the_server_all_the_time(project: Project) -> None:
    seen: set[int] = set()
    for _ in range(2):
        process = start(project.root, "up", "--port", 0, "--every", "1s")
        try:
            until(lambda: (found := find_server(project)) is not None and found.pid not in seen, seconds=60)
            seen.add(pid_of_server(project))
            os.kill(pid_of_server(project), signal.SIGKILL)  # it is restarted: nobody may take its place meanwhile
            error = mlops("serve", "--port", 0, project=project.root, code=3).error
            assert f"process {process.pid} (`mlops up`), since 20" in error["what"]
            until(lambda: (found := find_server(project)) is not None and found.pid not in seen, seconds=60)
            seen.add(pid_of_server(project))
        finally:
            process.kill()
            process.communicate()


@pytest.mark.slow
def test_ticks_beside_starts_work(promoted: Project) -> None:
    """A tick deleted the state that a start was preparing, or that a server was about to read."""
    for _ in range(2):
        with ExitStack() as stack:
            ticks = [
                stack.enter_context(start(promoted.root, "tick", "--at", "2024-03-25T00:00:00Z")) for _ in range(3)
            ]
            ready = stack.enter_context(mlops_serve(promoted.root))
            for tick in ticks:
                out, err = tick.communicate(timeout=100)
                assert tick.returncode == 0, f"{out}\n{err}"
            status = mlops("status", project=promoted.root).data
            assert (status["server"], status["champion"]) == (ready["ready"], 2)
            assert status["following"]["lagging"] == []


# ---- one loop --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_loop_beside_another_that_takes_long_is_refused_and_a_rollback_is_not(promoted: Project) -> None:
    with take_role(promoted, Role.LOOP):
        tick = start(promoted.root, "tick")
        assert mlops("rollback", project=promoted.root).data["champion"] == 1
        code, error = error_of(tick)
    assert (code, error["code"]) == (1, "loop_locked")
    assert re.search(rf"process {os.getpid()} \(.*\), since 20", error["what"])
    mlops("tick", "--at", "2024-03-25T00:00:00Z", project=promoted.root)
    assert read_routing_table(promoted.deployment_path).champion.version == 1


@pytest.mark.slow
def test_runs_at_once_decide_one_after_the_other(project: Project) -> None:
    runs = [start(project.root, "run") for _ in range(3)]
    codes = []
    for run in runs:
        out, err = run.communicate(timeout=200)
        assert "Traceback" not in err
        assert "lake_fault" not in out
        codes.append(run.returncode)
    assert set(codes) <= {0, 1}
    decisions = history(project)
    assert decisions[:2] == [("retrain", None), ("bootstrap", 1)]
    assert not any(one[0] == two[0] == "retrain" for one, two in pairwise(decisions))


def test_a_long_lived_loop_mends_a_table_that_was_replaced(promoted: Project) -> None:
    loop = Loop(promoted)
    loop.follow()
    old = promoted.deployment_path.read_bytes()
    Loop(promoted).roll_back(loop.decisions[-1].at, by="test", reason="bad")
    promoted.deployment_path.write_bytes(old)
    loop.follow()
    assert read_routing_table(promoted.deployment_path).champion.version == 1
    promoted.deployment_path.write_bytes(old)
    loop.follow()
    assert read_routing_table(promoted.deployment_path).champion.version == 1


# ---- rollbacks that cannot be done, or were interrupted ----------------------------------------------------------------


@pytest.mark.parametrize("damage", ["gone", "changed", "model"])
@pytest.mark.slow
def test_a_rollback_that_cannot_be_done_is_not_recorded(third: Project, damage: str) -> None:
    """It had been written down, and when it was done again it went back two versions."""
    table = read_routing_table(third.deployment_path)
    assert table.previous is not None
    package = third.root / table.previous.package
    away = package.with_name("away")
    shutil.copytree(package, away)
    if damage == "gone":
        shutil.rmtree(package)
    elif damage == "changed":
        (package / "plan.json").write_bytes(b"{}")
    else:
        (package / "model.txt").unlink()
    before = history(third)
    for _ in range(2):
        error = mlops("rollback", project=third.root, code=3).error
        assert error["what"].startswith("version 2 cannot answer: ")
        assert "nothing was decided" in error["hint"]
        assert "mlops rollback" not in error["hint"]
    assert history(third) == before
    assert read_routing_table(third.deployment_path) == table
    shutil.rmtree(package, ignore_errors=True)
    away.rename(package)
    assert mlops("rollback", project=third.root).data["champion"] == 2
    assert history(third) == [*before, ("roll_back", 2)]


def test_a_rollback_is_not_recorded_where_the_table_cannot_be_written(third: Project) -> None:
    before = history(third)
    content = third.deployment_path.read_bytes()
    third.deployment_path.unlink()
    third.deployment_path.mkdir()
    error = mlops("rollback", project=third.root, code=3).error
    assert error["code"] == "disk_fault"
    third.deployment_path.rmdir()
    third.deployment_path.write_bytes(content)
    assert history(third) == before


@pytest.mark.slow
def test_a_rollback_that_was_killed_half_way_is_finished_and_not_done_twice(third: Project) -> None:
    loop = Loop(third)
    loop.record(Decision(loop.decisions[-1].at, DecisionKind.ROLL_BACK, 2, "asked", "bad", "a person"))
    before = history(third)
    status = mlops("status", project=third.root).data
    assert (status["champion"], status["following"]["table"], status["generation"]) == (2, len(before) - 1, len(before))
    assert mlops("rollback", project=third.root).data["champion"] == 2
    assert history(third) == before
    assert read_routing_table(third.deployment_path).champion.version == 2
    assert mlops("rollback", project=third.root).data["champion"] == 1


def test_a_version_on_trial_whose_package_is_gone_can_be_taken_back(third: Project) -> None:
    loop = Loop(third)
    evidence = {"package": "gone", "fingerprint": "00"}
    loop.record(Decision(loop.decisions[-1].at, DecisionKind.SHADOW, 4, "test", "a fourth", "test", evidence))
    loop.act()
    with serving(third) as server:
        status = server.talk().status
        assert (status["champion"], list(status["not_loaded"])) == (3, ["4"])
        ran = mlops("rollback", project=third.root)
        assert ran.data["champion"] == 3
        assert "warning: MLflow's alias `champion` was not set" in ran.err, (
            "it knows no version 3; the rollback is done"
        )
        until(lambda: server.talk().status["not_loaded"] == {})


# ---- who follows -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_server_starts_without_the_version_before_and_says_so(third: Project) -> None:
    table = read_routing_table(third.deployment_path)
    assert table.previous is not None
    package = third.root / table.previous.package
    package.rename(package.with_name("away"))
    with mlops_serve(third.root) as ready:
        assert ready["ready"]
        status = mlops("status", project=third.root).data
        assert list(status["following"]["not_loaded"]) == ["2"]
        mlops("tick", "--at", "2024-03-25T00:00:00Z", project=third.root)
        package.with_name("away").rename(package)
        mlops("tick", "--at", "2024-03-25T00:00:00Z", project=third.root)
        until(lambda: mlops("status", project=third.root).data["following"]["not_loaded"] == {})
        assert mlops("rollback", project=third.root).data["champion"] == 2


@pytest.mark.slow
def test_status_names_the_worker_that_lags(promoted: Project) -> None:
    project = load_project(promoted.root, flags=["serving.workers=2"])
    with serving(project) as server:
        until(lambda: mlops("status", project=project.root).data["following"]["lagging"] == [])
        stopped = server.workers[1]
        os.kill(stopped, signal.SIGSTOP)
        try:
            mlops("rollback", project=project.root)

            def lagging() -> list[str]:
                found: list[str] = mlops("status", project=project.root).data["following"]["lagging"]
                return found

            until(lambda: len(lagging()) == 1)
            command = [*MLOPS, "status", "--project", str(project.root)]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            assert re.search(r"1 of 2 workers of the server \(number [01]\) still answer as 1 decision ago", told)
        finally:
            os.kill(stopped, signal.SIGCONT)
        until(lambda: lagging() == [])
