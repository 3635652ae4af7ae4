"""The server's certificate: the files that the server uses, and how our own clients verify it."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.project import Project

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: the server speaks no older version, and all ciphers of newer versions are good."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


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
    try:  # without this password, OpenSSL would wait for somebody to type one
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"the certificate and its key cannot be used: {_reason(error)}",
            code="bad_certificate",
            where=f"{tls.certificate}, {tls.key}",
            hint="both must be PEM files; the key must belong to the certificate and have no passphrase",
        ) from None
    return tls


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
