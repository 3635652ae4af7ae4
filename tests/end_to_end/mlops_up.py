"""`mlops up` as the process it is, and what it has done so far."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from outputs import read_output
from running import MLOPS, Talk, until

from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.serving.process.address import find_server

BIN = Path(sys.executable).parent


class Up:
    """A running `mlops up`, and what it has said so far."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self._out, self._err = folder / "up.out", folder / "up.err"
        command = [*MLOPS, "up", "--port", "0", "--page-port", "0", "--every", "1s", *words]
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The whole JSON lines on stdout."""
        lines = self.out.split("\n")[:-1]
        for line in lines:
            read_output(["up"], line)
        return [json.loads(line) for line in lines]

    def told(self, event: str) -> list[dict[str, Any]]:
        return [row for row in self.events if row.get("event") == event]

    def wait_for(self, question: Any) -> None:
        """Until `question()` is true, which it must be before the process ends."""

        def answered() -> bool:
            ended = self.process.poll() is not None
            found = bool(question())
            assert found or not ended, f"{self.out}\n{self.err}"
            return found

        until(answered, seconds=90)

    def run(self, command: str) -> str:
        """What a shell in the project's folder prints for the command, as it was printed."""
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def up(folder: Path, *words: str) -> Iterator[Up]:
    started = Up(folder, *words)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
        started.process.wait()
        assert "Traceback" not in started.err
        until(lambda: find_server(load_project(folder)) is None)


def talk_to(project: Project) -> Talk:
    address = find_server(project)
    assert address is not None
    return Talk(project, address.host, address.port)


def logged(project: Project, table: str) -> pl.DataFrame:
    lake = Lake(project.lake_path)
    return lake.read(table) if lake.exists(table) else pl.DataFrame({"id": []}, schema={"id": pl.String})
