"""One process that answers: a service, its application, and uvicorn around them."""

from __future__ import annotations

import gc
import logging
import resource
import socket
from collections.abc import Callable
from contextlib import suppress

from mlops_lab.project import Project
from mlops_lab.serving.answering.malloc_trim import trim_memory
from mlops_lab.serving.answering.opening import open_service
from mlops_lab.serving.http.authorizer import Authorizer
from mlops_lab.serving.http.tokens import ensure_token, is_loopback
from mlops_lab.serving.process.app import App
from mlops_lab.serving.process.tls import Certificates, certificate_copy, find_tls
from mlops_lab.serving.process.uvicorn_server import WorkerServer, make_config

OWN_FILES = 500
"""Files, sockets to an online store and connections that are rejected, in addition to the connections that are kept."""
_log = logging.getLogger("mlops_lab.serving")


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
    service = open_service(project, worker=worker, workers=workers)
    ensure_token(project)
    app = App(service, authorizer=Authorizer(project), worker=worker, workers=workers)
    settings = project.settings.serving
    _allow_open_files(settings.max_connections)
    tls = find_tls(project)
    if worker == 0 and tls is None and not is_loopback(settings.host):
        _log.warning(
            "whoever sees the traffic to %s can read requests, answers and tokens: set serving.tls_certificate and "
            "serving.tls_key, or put a proxy in front of the server that speaks TLS",
            settings.host,
        )
    config = make_config(app, settings, is_first_worker=worker == 0)
    certificates = Certificates(tls, copy=certificate_copy(project)) if tls else None
    gc.collect()
    trim_memory()
    gc.freeze()  # what was restored stays: examining it again and again would cost a tenth of the time
    gc.set_threshold(50_000, 20, 100)
    with suppress(KeyboardInterrupt):  # Ctrl-C has already ended it in good order
        WorkerServer(config, settings, certificates=certificates, ready=ready, with_parent=with_parent).run([listener])


def _allow_open_files(connections: int) -> None:
    """Let this process keep so many connections open in addition to its own files, if the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OWN_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
