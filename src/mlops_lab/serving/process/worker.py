"""One process that answers: a service, its application, and uvicorn around them."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import uvicorn

from mlops_lab.project import Project
from mlops_lab.serving.answering.malloc_trim import trim_memory
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.fast_path import MOST_HEAD_BYTES, FastPathProtocol, Limits
from mlops_lab.serving.http.tokens import Guard, ensure_token, is_loopback
from mlops_lab.serving.process.app import App
from mlops_lab.serving.process.tls import CIPHERS, find_tls

KEEP_ALIVE_SECONDS = 3600
DRAIN_SECONDS = 10
_log = logging.getLogger("mlops_lab.serving")
OWN_FILES = 500
"""Files, sockets to an online store and connections that are turned away, beside those that are kept."""


def serve(
    project: Project,
    listener: socket.socket,
    *,
    worker: int,
    workers: int,
    with_parent: bool,
    ready: Callable[[], None],
) -> None:
    """Answer until stopped; `ready` is called when it begins. MlopsError where it cannot begin."""
    service = Service(project, read_routing_table(project.deployment_path), worker=worker, workers=workers)
    ensure_token(project)
    app = App(service, guard=Guard(project), worker=worker, workers=workers)
    settings = project.settings.serving
    limits = Limits(
        connections=settings.max_connections,
        seconds=settings.request_seconds,
        message_bytes=2 * settings.max_body_bytes + MOST_HEAD_BYTES,
    )
    _allow_files(settings.max_connections)
    gc.collect()
    trim_memory()
    gc.freeze()  # what was restored stays: looking through it again and again would cost a tenth of the time
    gc.set_threshold(50_000, 20, 100)
    tls = find_tls(project)
    if worker == 0 and tls is None and not is_loopback(settings.host):
        _log.warning(
            "whoever sees the traffic to %s can read requests, answers and tokens: set serving.tls_certificate and "
            "serving.tls_key, or have a proxy before it that speaks TLS",
            settings.host,
        )
    config = uvicorn.Config(
        app,
        http=type("AppProtocol", (FastPathProtocol,), {"hot": app, "limits": limits}),
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
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    with suppress(KeyboardInterrupt):  # Ctrl-C has already ended it in good order
        _Server(config, ready=ready, with_parent=with_parent).run([listener])


def _allow_files(connections: int) -> None:
    """Let this process have as many connections open, beside its own files, if the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OWN_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Server(uvicorn.Server):
    """Says when it listens, cuts off who dawdles, and stops when its parent is gone, if asked to."""

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], None], with_parent: bool) -> None:
        super().__init__(config)
        self._ready = ready
        self._with_parent = with_parent

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        self._ready()
        if self._with_parent:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._parent_spoke)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; whether to stop."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast(FastPathProtocol, connection).look(now)
        return await super().on_tick(counter)

    def _parent_spoke(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):  # end of file: the parent's end of the pipe is closed
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.should_exit = True
