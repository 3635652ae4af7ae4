"""Key figures of a running server, for those who watch it."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.serving.process.address import Address

_ANSWERED = re.compile(rb"^mlops_predictions_total\{[^}]*\} (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class HealthProbe:
    """The number of answers since the server started, and of recent predictions that wait for their outcome."""

    answers: int
    pending: int


class _Status(msgspec.Struct):
    pending: int


def probe_server(address: Address, *, timeout_seconds: float = 1.0) -> HealthProbe | None:
    """The server's figures; None if it does not answer in time."""
    connection = None
    try:
        connection = address.connect(timeout_seconds=timeout_seconds)
        metrics = _get(connection, "/metrics")
        status = msgspec.json.decode(_get(connection, "/v1/status"), type=_Status)
        return HealthProbe(sum(map(int, _ANSWERED.findall(metrics))), status.pending)
    except (OSError, EnvironmentFault, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        if connection is not None:
            connection.close()


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()
