"""A server process of a project, started and stopped by this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from mlops_lab.errors import EnvironmentFault
from mlops_lab.project import Project
from mlops_lab.project.owners import Hold
from mlops_lab.serving.process.address import Address, find_server

LOCK_TIMEOUT_SECONDS = 15.0


class ServerProcess:
    """A server that stops when this process ends, in whatever way. Use it in a `with` statement."""

    def __init__(self, project: Project, *, port: int = 0, role: Hold | None = None) -> None:
        """`role`: that of the server, where this process has it already."""
        self._project = project
        self._port = port
        self._role = role
        self._log_start_bytes = 0
        self._process = self._start()
        self.address = self._wait_until_ready()

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self) -> int:
        """Wait until the process has ended; its exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """Let the server finish its responses, then end it."""
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mlops_lab.serving", str(self._project.root), "--port", str(self._port)]
        command += self._project.layers.as_options()
        passed = [] if self._role is None else [self._role.file]
        command += [word for file in passed for word in ("--lock", str(file))]
        environment = {**os.environ, "POLARS_MAX_THREADS": "1"}  # for tables of a few rows, threads only cost time
        log = (self._project.home / "server.log").open("a")
        with log:
            self._log_start_bytes = os.fstat(log.fileno()).st_size
            return subprocess.Popen(
                [*command, "--stop-with-parent"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                pass_fds=passed,
                process_group=0,  # Ctrl-C goes to this process, which then stops the server properly
            )

    def _wait_until_ready(self) -> Address:
        """The address; EnvironmentFault with the error that the server logged, where it does not start."""
        waited = 0.0
        while True:
            assert self._process.stdout is not None
            if self._process.stdout.readline():
                address = find_server(self._project)
                if address is not None:  # None: it has died since
                    return address
            error = self._logged_error()
            self._process.wait()
            if error.code != "journal_locked" or waited >= LOCK_TIMEOUT_SECONDS:
                raise error
            time.sleep(0.25)  # a server whose parent has just died will release the journal soon
            waited += 0.25
            self._process = self._start()

    def _logged_error(self) -> EnvironmentFault:
        path = self._project.home / "server.log"
        for line in reversed(path.read_bytes()[self._log_start_bytes :].decode(errors="replace").splitlines()):
            if line.startswith('{"error"'):
                error = json.loads(line)["error"]
                return EnvironmentFault(error["what"], code=error["code"], where=error["where"], hint=error["hint"])
        return EnvironmentFault("the server did not start", code="server_failed", where=str(path), hint="read its log")
