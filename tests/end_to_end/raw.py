"""HTTP by hand: whatever bytes, in whatever pieces, and every answer that comes back."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httptools

from mlops_lab.serving.process.address import Address

REQUEST = {"asked_at": "2024-03-25T09:30:00Z", "depot": "b", "customer": "k1", "items": 3, "distance": 12.25}


@dataclass
class Told:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of its error, whose every part is there."""
        assert all(self.json["error"].values())
        assert self.json["request_id"] == self.headers["x-request-id"]
        return str(self.json["error"]["code"])


class Raw:
    """A connection to a server."""

    def __init__(self, address: Address, timeout_seconds: float = 30.0) -> None:
        self.socket = socket.create_connection((address.host, address.port), timeout_seconds)
        self.answers: list[Told] = []
        self.closed = False
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != 100:
            self.answers.append(Told(status, self._headers, self._body))
        self._headers, self._body = {}, b""

    def send(self, data: bytes) -> None:
        """Send bytes; a server that has closed the connection is none of the sender's business."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.closed = True

    def read(self, answers: int | None = None) -> list[Told]:
        """All answers until there are so many, or until the server closes the connection."""
        while not self.closed and (answers is None or len(self.answers) < answers):
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if data:
                self._parser.feed_data(data)
            else:
                self.closed = True
        return self.answers

    def ask(self, data: bytes) -> Told:
        """Send a request and read its answer."""
        self.answers.clear()
        self.send(data)
        (told,) = self.read(1)
        return told


@contextmanager
def raw(address: Address, timeout_seconds: float = 30.0) -> Iterator[Raw]:
    """A connection, closed in the end."""
    connection = Raw(address, timeout_seconds)
    try:
        yield connection
    finally:
        connection.socket.close()


def http(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    """A request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


PREDICT = http("POST", "/v1/predict", json.dumps(REQUEST).encode())
HEALTH = http("GET", "/healthz")
