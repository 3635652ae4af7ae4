"""The server's certificate: the files that the server uses, and how our own clients verify it."""

from __future__ import annotations

import logging
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.project import Project

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: the server speaks no older version, and all ciphers of newer versions are good."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_log = logging.getLogger("mlops_lab.serving")


@dataclass(frozen=True)
class Tls:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


def find_tls(project: Project) -> Tls | None:
    """The files that the settings name, relative to the project; None where the server speaks plain HTTP.

    EnvironmentFault if they cannot be used.
    """
    settings = project.settings.serving
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise InvalidInput(
            "a certificate needs its key, and a key its certificate",
            code="half_a_certificate",
            where="serving.tls_certificate, serving.tls_key",
            hint="set both, or neither",
        )
    if not settings.tls_certificate:
        return None
    tls = Tls(project.root / settings.tls_certificate, project.root / settings.tls_key)
    _make_context(tls)
    return tls


def _make_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(CIPHERS)
    try:  # without this password, OpenSSL would wait for somebody to type one
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"the certificate and its key cannot be used: {_reason(error)}",
            code="bad_certificate",
            where=f"{tls.certificate}, {tls.key}",
            hint="both must be PEM files; the key must belong to the certificate and have no passphrase",
        ) from None
    return context


class Certificates:
    """The certificate of a running server: that of its files, which may be replaced at any time.

    `copy` holds the one in use, for the clients on this machine: a new file may not be usable, or not yet.
    """

    def __init__(self, tls: Tls, *, copy: Path) -> None:
        self._tls = tls
        self._copy = copy
        self._seen = _state_of(tls)
        self._context = self._load()

    def current(self) -> ssl.SSLContext:
        """The context for a new connection. A changed pair of files that cannot be used is logged, once, and the one
        before it is kept."""
        state = _state_of(self._tls)
        if state != self._seen:
            self._seen = state
            try:
                self._context = self._load()
            except EnvironmentFault as error:
                _log.error("the changed certificate is not used, the one before it still is: %s", error)
        return self._context

    def _load(self) -> ssl.SSLContext:
        context = _make_context(self._tls)
        try:
            write_atomically(self._copy, self._tls.certificate.read_bytes())
        except OSError as error:
            raise disk_fault(error, self._copy) from error
        return context


def _state_of(tls: Tls) -> list[tuple[int, int, int] | None]:
    """What changes when one of the files does."""
    states: list[tuple[int, int, int] | None] = []
    for path in (tls.certificate, tls.key):
        try:
            status = path.stat()
            states.append((status.st_ino, status.st_ctime_ns, status.st_size))
        except OSError:
            states.append(None)
    return states


def certificate_copy(project: Project) -> Path:
    """The file with the certificate that the running server uses."""
    return project.home / "server.crt"


def client_context(certificate: Path) -> ssl.SSLContext:
    """How a client on this machine verifies the server: it must have the key of exactly this certificate.

    The name in the certificate does not matter, and its issuer is not trusted.
    """
    try:
        match = _PEM.search(certificate.read_text())
        if match is None:  # without one, the context would trust all certificates that this machine trusts
            raise ValueError("it holds no certificate in PEM")
        context = ssl.create_default_context(cadata=match[0])
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"the server's certificate cannot be read: {_reason(error)}",
            code="bad_certificate",
            where=str(certificate),
            hint="restore the file, or restart the server with another certificate",
        ) from None
    context.check_hostname = False
    context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
