"""A client for many small requests over kept-alive connections; it parses with httptools, as the server does.

For this kind of traffic it is three times as fast as general-purpose libraries: `send` does not wait for responses, so
that the server finds several requests waiting and answers them together.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Iterable

import httptools

StatusAndBody = tuple[int, bytes]


class _Connection:
    def __init__(self, host: str, port: int, timeout_seconds: float, tls: ssl.SSLContext | None) -> None:
        self.socket = socket.create_connection((host, port), timeout_seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
        self._parser = httptools.HttpResponseParser(self)

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        self._done = True

    def read(self) -> StatusAndBody:
        self._body, self._done = b"", False
        while not self._done:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection before it responded")
            self._parser.feed_data(data)
        return self._parser.get_status_code(), self._body


class Client:
    """A client with up to `connections` requests in flight. A ConnectionError closes it; their fate is then unknown."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        token: str = "",
        connections: int = 32,
        timeout_seconds: float = 60.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._head = f"Host: {authority}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        self._idle: deque[_Connection] = deque()
        self._busy: deque[_Connection] = deque()
        try:
            for _ in range(connections + 1):
                self._idle.append(_Connection(host, port, timeout_seconds, tls))
        except OSError as error:
            self.close()
            raise ConnectionError(str(error)) from error

    def send(self, path: str, bodies: Iterable[bytes]) -> list[StatusAndBody]:
        """The responses that arrived while the bodies were posted; it does not wait for those to the last ones."""
        responses = []
        try:
            for body in bodies:
                if len(self._idle) == 1:  # the last one is for `call`
                    responses.append(self._read_oldest())
                connection = self._idle.popleft()
                connection.socket.sendall(self._message("POST", path, body))
                self._busy.append(connection)
        except (OSError, httptools.HttpParserError) as error:
            raise self._lost(error) from error
        return responses

    def drain(self) -> list[StatusAndBody]:
        """The responses to all requests in flight, once they have arrived."""
        try:
            return [self._read_oldest() for _ in range(len(self._busy))]
        except (OSError, httptools.HttpParserError) as error:
            raise self._lost(error) from error

    def call(self, method: str, path: str, body: bytes = b"") -> StatusAndBody:
        """The response to one request; requests sent before stay in flight."""
        if not self._idle:
            raise ConnectionError("the client is closed")
        try:
            connection = self._idle[-1]
            connection.socket.sendall(self._message(method, path, body))
            return connection.read()
        except (OSError, httptools.HttpParserError) as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Close all connections."""
        for connection in (*self._idle, *self._busy):
            connection.socket.close()
        self._idle.clear()
        self._busy.clear()

    def _read_oldest(self) -> StatusAndBody:
        connection = self._busy.popleft()
        self._idle.appendleft(connection)
        return connection.read()

    def _message(self, method: str, path: str, body: bytes) -> bytes:
        return f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def _lost(self, error: Exception) -> ConnectionError:
        self.close()
        return error if isinstance(error, ConnectionError) else ConnectionError(str(error))
