"""A server that starts while something is wrong around it ends, and leaves the project to the next one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from running import until

from mlops_lab.project import Project
from mlops_lab.serving.process.address import address_path, find_server


def run_server(project: Project, workers: int, *, parent_lives: bool) -> tuple[int, str]:
    """A server run to its end: its exit code, and what it wrote to stderr."""
    command = [sys.executable, "-m", "mlops_lab.serving", str(project.root), "--port", "0", "--stop-with-parent"]
    command += ["--set", f"serving.workers={workers}"]
    log = project.root / "server.err"
    with log.open("w") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if not parent_lives:  # as the system closes the pipes of a process that was killed
            process.stdin.close()
            process.stdout.close()
        return process.wait(timeout=60), log.read_text()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_when_its_parent_ended_before_it_was_ready(project: Project, workers: int) -> None:
    assert run_server(project, workers, parent_lives=False) == (0, "")
    assert find_server(project) is None


@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_with_an_error_where_its_address_cannot_be_written(project: Project, workers: int) -> None:
    (address_path(project) / "in the way").mkdir(parents=True)
    code, log = run_server(project, workers, parent_lives=True)
    assert code == 3
    assert "Traceback" not in log
    error = json.loads(log.splitlines()[-1])["error"]
    assert (error["code"], error["where"]) == ("disk_fault", str(address_path(project)))


@pytest.mark.parametrize("stdout", [">&-", ">/dev/full"])
def test_it_serves_though_nobody_can_read_what_it_reports(project: Project, stdout: str) -> None:
    log = project.root / "server.err"
    command = f'exec "$0" -m mlops_lab.serving "$1" --port 0 {stdout} 2>"$2"'
    process = subprocess.Popen(["sh", "-c", command, sys.executable, project.root, log], stdin=subprocess.DEVNULL)
    try:
        until(lambda: find_server(project) is not None)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
    assert log.read_text() == ""
