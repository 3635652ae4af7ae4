"""The server's certificate, as the server holds it and as our own clients trust it."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.project import Project

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; there is nothing older, and what is newer has no others."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Tls:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


def find_tls(project: Project) -> Tls | None:
    """What the settings name, relative to the project; None where the server speaks plain HTTP.

    EnvironmentFault where the files cannot be used.
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
    try:  # a passphrase is never asked for: nobody may be there to type it
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"the certificate and its key cannot be used: {_reason(error)}",
            code="bad_certificate",
            where=f"{tls.certificate}, {tls.key}",
            hint="both in PEM, the key without a passphrase, and the one of that certificate",
        ) from None
    return tls


def trusting(certificate: Path) -> ssl.SSLContext:
    """For a client on this machine: whoever holds the key of exactly this certificate is the server, whatever name it
    was made out to. What issued it is not trusted with it."""
    try:
        found = _PEM.search(certificate.read_text())
        if found is None:  # with none given, all that this machine trusts would be
            raise ValueError("it holds no certificate in PEM")
        context = ssl.create_default_context(cadata=found[0])
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"the server's certificate cannot be read: {_reason(error)}",
            code="bad_certificate",
            where=str(certificate),
            hint="put it back, or start the server anew with another",
        ) from None
    context.check_hostname = False
    context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
