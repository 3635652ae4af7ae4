"""Workers that are started, restarted and stopped: here, small scripts in the place of servers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.serving.process.restarts import MAX_RESTARTS
from mlops_lab.serving.process.supervisor import MIN_PAUSE_SECONDS, Supervisor, worker_command

WORKER = """
import os, signal, sys
folder, mode = sys.argv[1:3]
worker = sys.argv[sys.argv.index("--worker") + 1]
open(f"{folder}/{worker}-{os.getpid()}", "w").close()
if mode == "dies":
    sys.exit(7)
print("ready", flush=True)
if mode == "dies once" and worker == "0" and len([name for name in os.listdir(folder) if name[0] == "0"]) == 1:
    sys.exit(3)
if mode == "keeps dying" and worker == "0":
    sys.exit(4)
sys.stdin.read()
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


def run(listener: socket.socket, folder: Path, mode: str, *, workers: int, expected: int) -> list[str]:
    """Supervise until so many workers have been started, then send the signal to stop; the numbers of the workers."""
    events: list[str] = []

    async def supervise() -> None:
        command = [sys.executable, "-c", WORKER, str(folder), mode]
        supervisor = Supervisor(command, listener, workers=workers, with_parent=False)
        task = asyncio.create_task(supervisor.run(lambda: events.append("ready")))
        while len(os.listdir(folder)) < expected and not task.done():
            await asyncio.sleep(0.01)
        while not events and not task.done():
            await asyncio.sleep(0.01)
        if not task.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await task

    try:
        asyncio.run(supervise())
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert events == ["ready"]
    return sorted(name.partition("-")[0] for name in os.listdir(folder))


def test_it_is_ready_when_all_workers_are_and_stops_them(listener: socket.socket, tmp_path: Path) -> None:
    assert run(listener, tmp_path, "lives", workers=2, expected=2) == ["0", "1"]
    for name in os.listdir(tmp_path):
        with pytest.raises(ProcessLookupError):
            os.kill(int(name.partition("-")[2]), 0)


def test_a_worker_that_dies_is_restarted(listener: socket.socket, tmp_path: Path) -> None:
    assert run(listener, tmp_path, "dies once", workers=2, expected=3) == ["0", "0", "1"]


def test_workers_that_keep_dying_are_an_error(listener: socket.socket, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        run(listener, tmp_path, "dies", workers=1, expected=100)
    assert caught.value.code == "workers_die"
    assert "exit code 7" in caught.value.what
    assert caught.value.hint


def test_a_worker_that_keeps_dying_takes_no_other_with_it(
    listener: socket.socket, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is restarted at once, then after longer and longer pauses; the other one is never touched."""
    began = time.monotonic()
    started = run(listener, tmp_path, "keeps dying", workers=2, expected=MAX_RESTARTS + 4)
    assert started == ["0"] * (MAX_RESTARTS + 3) + ["1"]
    assert time.monotonic() - began > MIN_PAUSE_SECONDS + 2 * MIN_PAUSE_SECONDS
    assert [record.args for record in caplog.records][:2] == [(0, 4, MIN_PAUSE_SECONDS), (0, 4, 2 * MIN_PAUSE_SECONDS)]


def test_workers_that_all_keep_dying_are_an_error(listener: socket.socket, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        run(listener, tmp_path, "dies", workers=3, expected=100)
    assert caught.value.code == "workers_die"


def test_a_worker_is_started_by_the_command_of_the_server() -> None:
    command = worker_command(Path("/projects/flights"), ["--set", "serving.max_rows=3"])
    expected = [sys.executable, "-m", "mlops_lab.serving", "/projects/flights", "--set", "serving.max_rows=3"]
    assert command == expected
