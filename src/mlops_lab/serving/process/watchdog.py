"""A server that is restarted when it dies, on the same port."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.files import disk_fault
from mlops_lab.project import Project
from mlops_lab.project.owners import Hold
from mlops_lab.serving.process.address import Address
from mlops_lab.serving.process.restarts import MAX_RESTARTS, WINDOW_SECONDS, RestartCounter
from mlops_lab.serving.process.server_process import ServerProcess

PAUSE_SECONDS = 2.0


class Watchdog:
    """The server of a project, and a thread that restarts it. Use it in a `with` statement.

    The thread calls `on_error` each time the server dies or cannot be restarted, and `on_restart` each time it answers
    again. When it gives up, `failed` is set, and `fault` is the reason.
    """

    def __init__(
        self,
        project: Project,
        *,
        port: int,
        on_error: Callable[[MlopsError], None],
        on_restart: Callable[[Address], None],
        role: Hold | None = None,
    ) -> None:
        self._project = project
        self._role = role
        self._on_error = on_error
        self._on_restart = on_restart
        self._stopping = threading.Event()
        self.failed = threading.Event()
        self.fault: MlopsError | None = None
        self._restarts = RestartCounter()
        self._server = ServerProcess(project, port=port, role=role)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def __enter__(self) -> Watchdog:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> Address:
        """The address of the server, or of the last one."""
        return self._server.address

    def stop(self) -> None:
        """Let the server finish its responses, then end it; it is not restarted."""
        self._stopping.set()
        self._server.stop()
        self._thread.join(timeout=30)

    def _watch(self) -> None:
        while True:
            code = self._server.wait()
            if self._stopping.is_set():
                return
            self._on_error(_died(self._project, code))
            if not self._restart():
                return
            self._on_restart(self.address)

    def _restart(self) -> bool:
        """Start a server until one answers; False after `stop`, or after too many restarts."""
        while not self._stopping.is_set():
            if not self._restarts.count():
                self.fault = _too_many(self._project)
                self.failed.set()
                return False
            try:
                self._server = ServerProcess(self._project, port=self.address.port, role=self._role)
                break
            except (MlopsError, OSError) as error:
                self._on_error(error if isinstance(error, MlopsError) else disk_fault(error, self._project.home))
                self._stopping.wait(PAUSE_SECONDS)
        if self._stopping.is_set():
            self._server.stop()
            return False
        return True


def _died(project: Project, code: int) -> EnvironmentFault:
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    hint = "no answer is lost; its log may say why"
    return EnvironmentFault(
        f"the server {how}; it is restarted", code="server_gone", where=_log_path(project), hint=hint
    )


def _too_many(project: Project) -> EnvironmentFault:
    what = f"the server was restarted {MAX_RESTARTS} times within {WINDOW_SECONDS / 60:.0f} minutes, and died again"
    hint = "read its log; no answer is lost"
    return EnvironmentFault(what, code="server_gone", where=_log_path(project), hint=hint)


def _log_path(project: Project) -> str:
    return str(project.home / "server.log")
