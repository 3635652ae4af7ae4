"""A server that is kept up: one that dies is started again, on the same port."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.files import disk_fault
from mlops_lab.project import Project
from mlops_lab.serving.process.address import Address
from mlops_lab.serving.process.restarts import RESTARTS, WITHIN_SECONDS, Restarts
from mlops_lab.serving.process.server_process import ServerProcess

PAUSE_SECONDS = 2.0


class Watchdog:
    """The server of a project, and a thread that waits for its death. Use as a context.

    `told` hears of every death, `again` of every server that answers again; both in that thread. `failed` is set, with
    the reason in `fault`, when no further server is started.
    """

    def __init__(
        self, project: Project, *, port: int, told: Callable[[MlopsError], None], again: Callable[[Address], None]
    ) -> None:
        self._project = project
        self._told = told
        self._again = again
        self._stopping = threading.Event()
        self.failed = threading.Event()
        self.fault: MlopsError | None = None
        self._restarts = Restarts()
        self._server = ServerProcess(project, port=port)
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def __enter__(self) -> Watchdog:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> Address:
        """Where the server listens, or did last."""
        return self._server.address

    def stop(self) -> None:
        """Let the server finish what it answers, then end it; it is not started again."""
        self._stopping.set()
        self._server.stop()
        self._thread.join(timeout=30)

    def _keep(self) -> None:
        while True:
            code = self._server.wait()
            if self._stopping.is_set():
                return
            self._told(_death(self._project, code))
            if not self._start_again():
                return
            self._again(self.address)

    def _start_again(self) -> bool:
        """Whether there is a server again, and one is still wanted."""
        while not self._stopping.is_set():
            if self._restarts.is_enough():
                self.fault = _too_many(self._project)
                self.failed.set()
                return False
            try:
                self._server = ServerProcess(self._project, port=self.address.port)
                break
            except (MlopsError, OSError) as error:
                self._told(error if isinstance(error, MlopsError) else disk_fault(error, self._project.home))
                self._stopping.wait(PAUSE_SECONDS)
        if self._stopping.is_set():
            self._server.stop()
            return False
        return True


def _death(project: Project, code: int) -> EnvironmentFault:
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    hint = "nothing that it answered is lost; its log may say why"
    return EnvironmentFault(
        f"the server {how}; it is started again", code="server_gone", where=_log(project), hint=hint
    )


def _too_many(project: Project) -> EnvironmentFault:
    what = f"the server had to be started {RESTARTS} times again within {WITHIN_SECONDS / 60:.0f} minutes"
    hint = "read its log; nothing that it answered is lost"
    return EnvironmentFault(what, code="server_gone", where=_log(project), hint=hint)


def _log(project: Project) -> str:
    return str(project.home / "server.log")
