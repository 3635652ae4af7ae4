"""uvicorn around an application: with the fast path, or without it where it does not support this uvicorn."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, cast

import uvicorn

from mlops_lab.project.sections import ServingSection
from mlops_lab.serving.http.fast_path import MAX_HEAD_BYTES, Limits
from mlops_lab.serving.http.uvicorn_check import find_fast_path_problem
from mlops_lab.serving.process.app import App
from mlops_lab.serving.process.tls import CIPHERS, Tls

KEEP_ALIVE_SECONDS = 3600
"""With the fast path: there, a new connection may take the place of an idle one."""
PUBLIC_KEEP_ALIVE_SECONDS = 75
"""Without the fast path: there, idle connections count until they are closed."""
DRAIN_SECONDS = 10
_CHECK_SECONDS = 1.0
_READY_POLL_SECONDS = 0.002
_log = logging.getLogger("mlops_lab.serving")


def make_config(app: App, settings: ServingSection, *, tls: Tls | None, is_first_worker: bool) -> uvicorn.Config:
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
        date_header=False,
        proxy_headers=False,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ciphers=CIPHERS,
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
    """Reports when it listens, enforces the limits of the fast path, and stops with its parent if asked to."""

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], None], with_parent: bool) -> None:
        super().__init__(config)
        self._report_ready = ready
        self._with_parent = with_parent

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer until stopped. A failure in one of the tasks beside it stops it, and is raised."""
        work: list[Coroutine[Any, Any, None]] = [self._announce()]
        if not isinstance(self.config.http, str):
            work.append(self._enforce_limits())
        tasks = [asyncio.create_task(item) for item in work]
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

    async def _announce(self) -> None:
        """Watch for the end of the parent, which may have come already, and report that the server listens."""
        while not self.started:
            await asyncio.sleep(_READY_POLL_SECONDS)
        if self._with_parent:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._stop_with_parent)
        self._report_ready()

    async def _enforce_limits(self) -> None:
        from mlops_lab.serving.http.uvicorn_protocol import enforce_limits

        loop = asyncio.get_running_loop()
        while not self.should_exit:
            await asyncio.sleep(_CHECK_SECONDS)
            enforce_limits(self.server_state.connections, loop.time())

    def _stop_on_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.should_exit = True

    def _stop_with_parent(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):  # end of file: the parent's end of the pipe is closed
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.should_exit = True
