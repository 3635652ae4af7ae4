"""The fast path of POST /v1/predict: from the parser of HTTP to the batch, and from the batch to the socket.

An ASGI task for each request costs more than the answer. A request on the fast path is handed to the application as
soon as its body is complete, and its response is written with one call; unusual requests take the way of all others.

This module says what server and application expect of each other. `uvicorn_protocol` is the server's side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from mlops_lab.errors import MlopsError
from mlops_lab.serving.http.messages import Header, Receive, Response, Scope, Send

MAX_HEAD_BYTES = 64 * 1024
"""The limit of URL and headers together."""


def _status_line(status: int) -> bytes:
    known = {item.value: item.phrase for item in HTTPStatus}
    return f"HTTP/1.1 {status} {known.get(status, '')}\r\n".encode()


_STATUS_LINES = {status: _status_line(status) for status in range(100, 600)}


@dataclass(frozen=True)
class Limits:
    """What one client may use: `seconds` to send a request, or to receive a part of its response."""

    connections: int
    seconds: float
    message_bytes: int


class FastRequest(Protocol):
    """A request whose body is complete."""

    headers: Sequence[Header]
    body: bytes

    def respond(self, response: Response) -> None:
        """Send the response, unless the client closed the connection."""


class FastPathApp(Protocol):
    """An application that answers one route on the fast path, and the others by ASGI."""

    def is_fast_route(self, method: str, path: str) -> bool:
        """Whether `answer_fast` takes the requests of this route."""

    def answer_fast(self, request: FastRequest) -> None:
        """Answer a request, now or later."""

    def reject(self, error: MlopsError, headers: Sequence[Header]) -> Response:
        """The response to what did not become a request."""

    async def reject_connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request on a connection beyond the limit."""


def format_response(response: Response, always: Sequence[Header], *, keep_alive: bool) -> bytes:
    """The response as HTTP/1.1 sends it. `always`: the headers that all responses have."""
    head = [_STATUS_LINES[response.status]]
    for name, value in (*always, *response.headers):
        head += (name, b": ", value, b"\r\n")
    head.append(b"content-length: %d\r\n" % len(response.body))
    head.append(b"\r\n" if keep_alive else b"connection: close\r\n\r\n")
    head.append(response.body)
    return b"".join(head)
