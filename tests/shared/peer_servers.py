"""Other tools' servers as processes, and requests whose answers must be those of our server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pages import free_port
from running import Server
from tool_runs import environment

from mlops_lab.exporters.images.frozen_project import freeze_project
from mlops_lab.project import Project

ROWS: list[dict[str, Any]] = [
    {
        "asked_at": "2024-03-25T09:30:00Z",
        "depot": "b",
        "customer": "k1",
        "items": 3,
        "distance": 12.25,
        "weight": 1.5,
        "express": False,
    },
    {
        "asked_at": "2024-03-25T09:30:00.123456+05:30",
        "depot": "nowhere \u2603, \U0001f4e6",
        "customer": 'k"1"',
        "items": -3,
        "distance": 1e-300,
        "weight": -0.0,
        "express": True,
    },
    {
        "asked_at": "2024-03-31T02:30:00+02:00",
        "depot": "a",
        "customer": None,
        "items": 2**40,
        "distance": 0.1,
        "weight": None,
        "express": None,
    },
]
"""Requests to the synthetic project: a plain one, an odd one, and one in which all that may be missing is missing."""


def answers_of(server: Server, rows: Sequence[dict[str, Any]] = ROWS) -> list[float]:
    """What our server answers."""
    status, answers = server.talk().post("/v1/predict", list(rows))
    assert status == 200, answers
    return [answer["output"] for answer in answers]


@contextmanager
def peer_server(words: list[str], folder: Path, *, tool: str, ready: str, **variables: str) -> Iterator[str]:
    """The base URL of a server that a command of the tool starts in the folder, once `ready` answers. In words and
    variables, `{port}` stands for its port."""
    port = str(free_port())
    url, log = f"http://127.0.0.1:{port}", folder.parent / f"{tool or 'image'}.log"
    command = [word.replace("{port}", port) for word in words]
    own = {name: value.replace("{port}", port) for name, value in variables.items()}
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(tool, **own), stdout=file, stderr=file, start_new_session=True
        )
    try:
        _wait(process, f"{url}{ready}", log)
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)  # the group is its own: it may have workers
        process.wait(timeout=60)


@contextmanager
def image_server(project: Project, folder: Path, *words: str, ready: str, **variables: str) -> Iterator[str]:
    """The server of the image of version 1 as a cloud starts it, with these words and variables, but on the loopback
    interface: its base URL."""
    frozen = freeze_project(project, 1, folder / "frozen", by="test")
    (folder / "data").mkdir()
    command = [sys.executable, "-m", "mlops_lab.serving", "data", "--frozen", str(frozen.root), *words]
    host = {"MLOPS_SERVING__HOST": "127.0.0.1"}
    with peer_server(command, folder, tool="", ready=ready, **host, **variables) as url:
        yield url


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the server did not start: {log.read_text()[-3000:]}")


def post(url: str, data: Any, **headers: str) -> tuple[int, Any]:
    """Post JSON; status and JSON of the answer."""
    asked = urllib.request.Request(url, json.dumps(data).encode(), {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")
