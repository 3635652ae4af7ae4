"""uvicorn around an application: with the fast path, or without it where it does not support this uvicorn."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

import uvicorn

from mlops_lab.errors import EnvironmentFault
from mlops_lab.project.sections import ServingSection
from mlops_lab.serving.http.fast_path import MAX_HEAD_BYTES, Limits
from mlops_lab.serving.http.uvicorn_check import find_fast_path_problem
from mlops_lab.serving.process.app import App
from mlops_lab.serving.process.hangup import follow_hangup
from mlops_lab.serving.process.tls import Certificates
from mlops_lab.serving.process.tls_listener import TlsListener

KEEP_ALIVE_SECONDS = 3600
"""With the fast path: there, a new connection may take the place of an idle one."""
PUBLIC_KEEP_ALIVE_SECONDS = 75
"""Without the fast path: there, idle connections count until they are closed."""
DRAIN_SECONDS = 10
_CHECK_SECONDS = 1.0
_READY_POLL_SECONDS = 0.002
_log = logging.getLogger("mlops_lab.serving")


def make_config(app: App, settings: ServingSection, *, is_first_worker: bool) -> uvicorn.Config:
    """How uvicorn runs the application. Where the fast path does not work, the first worker logs why."""
    problem = find_fast_path_problem()
    if problem and is_first_worker:
        _log.warning(
            "the fast path is off: it does not support uvicorn %s (%s). All requests are answered, but more slowly, "
            "and slow clients are not disconnected. Install a release of uvicorn that mlops-lab allows",
            uvicorn.__version__,
            problem,
        )
    return uvicorn.Config(
        cast(Any, app),
        **(_public_options(settings) if problem else _fast_options(app, settings)),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _fast_options(app: App, settings: ServingSection) -> dict[str, Any]:
    from mlops_lab.serving.http.uvicorn_protocol import make_protocol_class  # cannot always be imported

    limits = Limits(
        connections=settings.max_connections,
        seconds=settings.request_seconds,
        message_bytes=2 * settings.max_body_bytes + MAX_HEAD_BYTES,
    )
    return {"http": make_protocol_class(app, limits), "timeout_keep_alive": KEEP_ALIVE_SECONDS}


def _public_options(settings: ServingSection) -> dict[str, Any]:
    # uvicorn counts the connection of the request itself, too
    return {
        "http": "auto",
        "timeout_keep_alive": PUBLIC_KEEP_ALIVE_SECONDS,
        "limit_concurrency": settings.max_connections + 1,
    }


class WorkerServer(uvicorn.Server):
    """Reports when it listens, enforces limits, speaks TLS, and stops with its parent if asked to."""

    def __init__(
        self,
        config: uvicorn.Config,
        settings: ServingSection,
        *,
        certificates: Certificates | None,
        ready: Callable[[], None],
        with_parent: bool,
    ) -> None:
        super().__init__(config)
        self._settings = settings
        self._certificates = certificates
        self._report_ready = ready
        self._with_parent = with_parent

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer until stopped. A failure in one of the tasks beside it stops it, and is raised."""
        follow_hangup(reload=self._reload, stop=self._stop)
        tasks = [asyncio.create_task(item) for item in (self._announce(), self._check_regularly())]
        for task in tasks:
            task.add_done_callback(self._stop_on_failure)
        try:
            await super().serve(sockets)
        finally:
            for task in tasks:
                task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):  # a cancelled task is none
                raise result

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        if self._certificates is None or not sockets:
            await super().startup(sockets)
            return
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(EnvironmentFault.exit_code)
        listener = TlsListener(
            sockets[0],
            self._make_protocol,
            self._certificates,
            connections=self.server_state.connections,
            limit=self._settings.max_connections,
            seconds=self._settings.request_seconds,
        )
        self.servers = [cast(asyncio.Server, listener)]
        self.started = True

    def _make_protocol(self) -> asyncio.Protocol:
        make = cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def _announce(self) -> None:
        """Watch for the end of the parent, which may have come already, and report that the server listens."""
        while not self.started:
            await asyncio.sleep(_READY_POLL_SECONDS)
        if self._with_parent:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._stop_with_parent)
        self._report_ready()

    async def _check_regularly(self) -> None:
        """Disconnect slow clients, and notice a changed certificate."""
        loop, is_fast = asyncio.get_running_loop(), not isinstance(self.config.http, str)
        if is_fast:
            from mlops_lab.serving.http.uvicorn_protocol import enforce_limits  # cannot always be imported
        while not self.should_exit:
            await asyncio.sleep(_CHECK_SECONDS)
            if is_fast:
                enforce_limits(self.server_state.connections, loop.time())
            self._reload()

    def _reload(self) -> None:
        """Use what changed: the certificate. Tokens and the routing table are followed all the time."""
        if self._certificates is not None:
            self._certificates.current()

    def _stop(self) -> None:
        self.should_exit = True

    def _stop_on_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.should_exit = True

    def _stop_with_parent(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):  # end of file: the parent's end of the pipe is closed
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.should_exit = True
