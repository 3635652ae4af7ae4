"""Where the project's server listens, for the commands that talk to it."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from pathlib import Path

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.workers import is_locked
from mlops_lab.project import Project
from mlops_lab.serving.process.tls import trusting


class Address(msgspec.Struct, frozen=True):
    """A server process and its socket."""

    pid: int
    host: str
    port: int
    certificate: str | None = None

    @property
    def reached_at(self) -> str:
        """The host that this machine asks: one that listens on all addresses is reached on the loopback."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def url(self) -> str:
        """The beginning of its URLs."""
        return self.url_of(self.reached_at)

    def url_of(self, host: str) -> str:
        """The beginning of its URLs where it is asked by that name."""
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"

    def trust(self) -> ssl.SSLContext | None:
        """By what a client of this machine knows the server; None where it speaks plain HTTP."""
        return trusting(Path(self.certificate)) if self.certificate else None

    def connect(self, *, timeout_seconds: float) -> http.client.HTTPConnection:
        """A connection to it, opened with the first request."""
        context = self.trust()
        if context is None:
            return http.client.HTTPConnection(self.reached_at, self.port, timeout=timeout_seconds)
        return http.client.HTTPSConnection(self.reached_at, self.port, timeout=timeout_seconds, context=context)


def address_path(project: Project) -> Path:
    """The file that the server writes when it is ready."""
    return project.home / "server.json"


def find_server(project: Project) -> Address | None:
    """The running server of the project, or None."""
    try:
        address = msgspec.json.decode(address_path(project).read_bytes(), type=Address)
        os.kill(address.pid, 0)
    except (OSError, msgspec.DecodeError):
        return None
    # the number may meanwhile belong to another process: only a server holds the journal
    return address if is_locked(project.journal_path) else None


def check_no_server(project: Project) -> None:
    """EnvironmentFault where a server of the project is running."""
    if running := find_server(project):
        raise EnvironmentFault(
            "a server of this project is running",
            code="journal_locked",
            where=f"{running.host}:{running.port}, process {running.pid}",
            hint="stop it first: only one may write the journal",
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address; EnvironmentFault where that is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise EnvironmentFault(
            f"cannot listen: {error.strerror}",
            code="port_busy",
            where=f"{host}:{port}",
            hint="stop what listens there, or choose another with --port",
        ) from None
    return listener
