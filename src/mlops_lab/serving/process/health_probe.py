"""What a running server says of itself, for those who watch it."""

from __future__ import annotations

import http.client
import re
from contextlib import closing, suppress
from dataclasses import dataclass

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.serving.process.address import Address

_NO_ANSWER = (OSError, EnvironmentFault, http.client.HTTPException, msgspec.DecodeError)
_ANSWERED = re.compile(rb"^mlops_predictions_total\{[^}]*\} (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class HealthProbe:
    """The number of answers since the server started, and of recent predictions that wait for their outcome."""

    answers: int
    pending: int


class DeploymentProbe(msgspec.Struct, frozen=True):
    """By worker, the generation of the routing table that it answers by; why the newest one could not be taken over;
    and by version, why it could not be loaded."""

    generations: dict[str, int]
    deployment_error: str | None = None
    not_loaded: dict[str, str] = {}


class _Status(msgspec.Struct):
    pending: int


def probe_server(address: Address, *, timeout_seconds: float = 1.0) -> HealthProbe | None:
    """The server's figures; None if it does not answer in time."""
    with suppress(*_NO_ANSWER), _connected(address, timeout_seconds=timeout_seconds) as connection:
        metrics = _get(connection, "/metrics")
        status = msgspec.json.decode(_get(connection, "/v1/status"), type=_Status)
        return HealthProbe(sum(map(int, _ANSWERED.findall(metrics))), status.pending)
    return None


def probe_deployment(address: Address, *, timeout_seconds: float = 1.0) -> DeploymentProbe | None:
    """What the server answers by; None if it does not answer in time, or is older than this program."""
    with suppress(*_NO_ANSWER), _connected(address, timeout_seconds=timeout_seconds) as connection:
        return msgspec.json.decode(_get(connection, "/v1/status"), type=DeploymentProbe)
    return None


def _connected(address: Address, *, timeout_seconds: float) -> closing[http.client.HTTPConnection]:
    return closing(address.connect(timeout_seconds=timeout_seconds))


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()
