"""The address of a project's server, for the commands that talk to it."""

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
from mlops_lab.project.owners import Role, read_owner, role_taken
from mlops_lab.serving.process.tls import client_context


class Address(msgspec.Struct, frozen=True):
    """A server process, and where it listens."""

    pid: int
    host: str
    port: int
    certificate: str | None = None

    @property
    def local_host(self) -> str:
        """The host under which this machine reaches it: the loopback, if it listens on all addresses."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def url(self) -> str:
        """The beginning of its URLs, for clients on this machine."""
        return self.url_with(self.local_host)

    def url_with(self, host: str) -> str:
        """The beginning of its URLs, with this name of the host."""
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """How a client on this machine verifies the server; None where it speaks plain HTTP."""
        return client_context(Path(self.certificate)) if self.certificate else None

    def connect(self, *, timeout_seconds: float) -> http.client.HTTPConnection:
        """A connection to it; the first request opens it."""
        context = self.ssl_context()
        if context is None:
            return http.client.HTTPConnection(self.local_host, self.port, timeout=timeout_seconds)
        return http.client.HTTPSConnection(self.local_host, self.port, timeout=timeout_seconds, context=context)


def address_path(project: Project) -> Path:
    """The file that the server writes when it is ready."""
    return project.home / "server.json"


def find_server(project: Project) -> Address | None:
    """The running server of the project, or None."""
    try:
        address = msgspec.json.decode(address_path(project).read_bytes(), type=Address)
        os.kill(address.pid, 0)
    except (OSError, OverflowError, msgspec.DecodeError):  # there is none, or the file is damaged
        return None
    # another process may have the number by now: only a server locks the journal
    return address if is_locked(project.journal_path) else None


def check_no_server(project: Project) -> None:
    """EnvironmentFault where a server of the project is running."""
    if running := find_server(project):
        where = f"{running.host}:{running.port}, process {running.pid}"
        raise role_taken(project, Role.SERVER, read_owner(project, Role.SERVER), where=where)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address; EnvironmentFault if another process uses it."""
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
            hint="stop the process that listens there, or choose another port with --port",
        ) from None
    return listener
