"""The short way for the one request that matters: from uvicorn's parser to the batch, and from the batch to the socket.

An ASGI task for each request costs more than the answer. A request on a hot route is handed over as soon as its body
is there, and its reply is written in one go; whatever is unusual about it takes the way of all others.
"""

from __future__ import annotations

from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from mlops_lab.serving.http import Header, Reply

MOST_BYTES = 32 * 1024
"""Larger bodies are read the usual way, which tells the client to wait."""


class Hot(Protocol):
    """An application with hot routes."""

    def is_hot(self, method: str, path: str) -> bool:
        """Whether `answer_hot` takes the requests of this route."""

    def answer_hot(self, exchange: Exchange) -> None:
        """Reply to a request, now or later."""


class Exchange:
    """One request whose body is there, and the place of its reply."""

    __slots__ = ("_cycle", "body", "headers")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self.headers: list[Header] = cycle.scope["headers"]  # type: ignore[assignment]
        self.body = bytes(cycle.body)

    def reply(self, reply: Reply) -> None:
        """Write the reply, unless the client went away."""
        cycle = self._cycle
        if cycle.disconnected:
            return
        head = [STATUS_LINE[reply.status]]
        for name, value in reply.headers:
            head += (name, b": ", value, b"\r\n")
        head.append(b"content-length: %d\r\n" % len(reply.body))
        head.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        head.append(reply.body)
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(b"".join(head))
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


class HotProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the short way."""

    hot: Hot
    _waiting: RequestResponseCycle | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope = cycle.scope
        if (
            cycle.waiting_for_100_continue
            or self.flow.write_paused
            or len(cycle.body) > MOST_BYTES
            or not self.hot.is_hot(scope["method"], scope["path"])
        ):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._waiting = cycle
        else:
            self.hot.answer_hot(Exchange(cycle))

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body."""
        super().on_body(body)
        if (cycle := self._waiting) is not None and len(cycle.body) > MOST_BYTES:
            self._waiting = None
            super()._start_asgi_task(cycle, self.app)

    def on_message_complete(self) -> None:
        """Answer a request that waited for its body."""
        super().on_message_complete()
        if (cycle := self._waiting) is not None and not cycle.more_body:
            self._waiting = None
            self.hot.answer_hot(Exchange(cycle))
