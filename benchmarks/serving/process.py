"""A measured server: started, observed from outside, stopped with all its children."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
START_PATIENCE_SECONDS = 120
STOP_PATIENCE_SECONDS = 10
MIB = 1024 * 1024


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """A process that listens on a port of the loopback, in a session of its own. Use as a context."""

    def __init__(self, command: Sequence[str], *, port: int, log: Path) -> None:
        self.port = port
        self._log = log
        self._began = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=log.parent,
                start_new_session=True,
            )

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for ending in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._tree():
                try:
                    os.kill(pid, ending)
                except ProcessLookupError:
                    continue
            until = time.perf_counter() + STOP_PATIENCE_SECONDS
            while time.perf_counter() < until and (self._process.poll() is None or any(self._tree())):
                time.sleep(0.05)

    def wait_for_answer(self, path: str, body: bytes) -> tuple[float, Any]:
        """Seconds from the start to the first answer to a real request, and that answer."""
        while time.perf_counter() - self._began < START_PATIENCE_SECONDS:
            if self._process.poll() is not None:
                break
            try:
                status, answer = self.post(path, body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.005)
                continue
            if status == 200:
                return time.perf_counter() - self._began, answer
            time.sleep(0.05)
        log_lines = self._log.read_text(errors="replace").splitlines()[-15:]
        raise RuntimeError("did not answer; the end of its log:\n  " + "\n  ".join(log_lines))

    def post(self, path: str, body: bytes) -> tuple[int, Any]:
        """One request: the status, and the JSON of the answer (of errors, the text)."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if response.status == 200 else text.decode(errors="replace")

    def cpu_seconds(self) -> float:
        """CPU seconds of it and its children since their start, in user and system mode."""
        ticks = 0
        for pid in self._tree():
            fields = _stat(pid)
            ticks += int(fields[11]) + int(fields[12]) if fields else 0
        return ticks / TICKS_PER_SECOND

    def resident_mib(self) -> float:
        """Resident memory of it and its children; shared pages count for each."""
        pages = 0
        for pid in self._tree():
            fields = _stat(pid)
            pages += int(fields[21]) if fields else 0
        return pages * PAGE_BYTES / MIB

    def _tree(self) -> list[int]:
        """The process, all of its session, and their children."""
        found = {self._process.pid}
        stats = [(pid, int(fields[1]), int(fields[3])) for pid, fields in _processes() if fields[0] != "Z"]
        before = 0
        while before != len(found):  # until no child is missing
            before = len(found)
            found |= {pid for pid, parent, session in stats if parent in found or session == self._process.pid}
        alive = {pid for pid, _, _ in stats}
        return sorted(found & alive)


def _processes() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            yield int(entry.name), fields


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (man 5 proc counts it as the third); none where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
