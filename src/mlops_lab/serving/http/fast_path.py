"""The short way for the one request that matters: from uvicorn's parser to the batch, and from the batch to the socket.

An ASGI task for each request costs more than the answer. A request on a hot route is handed over as soon as its body
is there, and its reply is written in one go; whatever is unusual about it takes the way of all others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Any, Protocol

import httptools
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from mlops_lab.errors import HeadTooLarge, InvalidInput, MlopsError
from mlops_lab.serving.http.messages import Header, Receive, Response, Scope, Send, too_slow

MOST_BYTES = 32 * 1024
"""Larger bodies are read the usual way, which tells the client to wait."""
MOST_HEAD_BYTES = 64 * 1024
SPARE_CONNECTIONS = 100
"""As many more are told why they are turned away; any beyond are closed without a word."""


@dataclass(frozen=True)
class Limits:
    """What one client may take: `seconds` to send a request, or to take in a part of its answer."""

    connections: int
    seconds: float
    message_bytes: int


class FastPathApp(Protocol):
    """An application with hot routes."""

    def is_hot(self, method: str, path: str) -> bool:
        """Whether `answer_hot` takes the requests of this route."""

    def answer_hot(self, exchange: FastRequest) -> None:
        """Reply to a request, now or later."""

    def refuse(self, error: MlopsError, headers: Sequence[Header]) -> Response:
        """The reply to a request that never became one, or was not to."""

    async def turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request on a connection more than are kept."""


class FastRequest:
    """One request whose body is there, and the place of its reply."""

    __slots__ = ("_cycle", "body", "headers")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self.headers: list[Header] = cycle.scope["headers"]  # type: ignore[assignment]
        self.body = bytes(cycle.body)

    def reply(self, reply: Response) -> None:
        """Write the reply, unless the client went away."""
        cycle = self._cycle
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(_write(reply, keep_alive=cycle.keep_alive))
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


def _write(reply: Response, *, keep_alive: bool) -> bytes:
    head = [STATUS_LINE[reply.status]]
    for name, value in reply.headers:
        head += (name, b": ", value, b"\r\n")
    head.append(b"content-length: %d\r\n" % len(reply.body))
    head.append(b"\r\n" if keep_alive else b"connection: close\r\n\r\n")
    head.append(reply.body)
    return b"".join(head)


class _Flow(FlowControl):
    """Reads on only when no request waits for its turn: else one client could have any number of them waiting."""

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        if not self._pipeline:
            super().resume_reading()


class FastPathProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the short way, and with limits to what a client can take up.

    Nothing is timed request by request: `look`, called every second, compares with what it saw the last time.
    """

    hot: FastPathApp
    limits: Limits
    cycle: RequestResponseCycle | None  # type: ignore[assignment]
    scope: HTTPScope | None  # type: ignore[assignment]
    _is_turned_away = False
    _waiting: RequestResponseCycle | None = None
    _measured: Any = None
    _measured_bytes = 0
    _seen: Any = None
    _seen_since = 0.0
    _unsent_bytes = 0
    _unsent_since = 0.0

    # ---- the short way -------------------------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope = cycle.scope
        if self.parser.should_upgrade() and cycle is self.cycle:  # see `_decline_upgrade`
            return
        if (
            cycle.waiting_for_100_continue
            or self.flow.write_paused
            or len(cycle.body) > MOST_BYTES
            or not self.hot.is_hot(scope["method"], scope["path"])
            or self._is_turned_away
        ):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._waiting = cycle
        else:  # sent before the answer to the one before it: as many may follow as fit into a packet, so not at once
            self.loop.call_soon(self.hot.answer_hot, FastRequest(cycle))

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
            self.hot.answer_hot(FastRequest(cycle))

    def on_response_complete(self) -> None:
        """Begin with the next request, where one has arrived."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        following = self.pipeline.pop() if self.pipeline else None
        if self.flow.read_paused:
            self.flow.resume_reading()
        if following is not None:
            self._start_asgi_task(*following)
            return
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    # ---- limits --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; where there are too many connections, in the place of the one that has been idle longest."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._seen_since = self.loop.time()
        if len(self.connections) <= self.limits.connections:
            return
        others: list[FastPathProtocol] = [one for one in self.connections if one is not self]  # type: ignore[misc]
        idle = [one for one in others if one.is_idle]
        if idle:
            min(idle, key=lambda one: one._seen_since).transport.close()
        elif len(self.connections) > self.limits.connections + SPARE_CONNECTIONS:
            transport.abort()
        else:
            self._is_turned_away, self.app = True, self.hot.turn_away

    def data_received(self, data: bytes) -> None:
        """Take in what has arrived. What is no HTTP is answered like any wrong request; an upgrade is not made."""
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        try:
            while data:
                try:
                    self.parser.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:
                    data = self._decline_upgrade() + data[upgrade.args[0] :]
        except httptools.HttpParserError:
            what = "this is not a request of HTTP/1.1"
            self._reject(InvalidInput(what, code="bad_http", where="request", hint="use an HTTP client"))
            return
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.scope is not self.scope:
            self._measure(len(data))

    def look(self, now: float) -> None:
        """Cut off a client that takes too long to send its request, or to take in its answer."""
        limit = self.limits.seconds
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent_bytes:
            self._unsent_bytes, self._unsent_since = unsent, now
        elif now - self._unsent_since >= limit:
            self.transport.abort()
        if self.scope is not self._seen:
            self._seen, self._seen_since = self.scope, now
        elif now - self._seen_since >= limit and (self._waiting is not None or self._is_head_arriving):
            self._reject(too_slow(limit))

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        cycle = self.cycle
        return (cycle is None or cycle.response_complete) and not self._is_head_arriving

    @property
    def _is_head_arriving(self) -> bool:
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _decline_upgrade(self) -> bytes:
        """The head that has just been parsed, as it would be had it not asked for another protocol: the parser takes
        what follows for that protocol's, and some clients of HTTP/2 begin every connection so, with a body behind."""
        cycle = self.cycle
        assert cycle is not None
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        else:
            cycle.response_complete = True
        if cycle.scope["method"] == "CONNECT":  # by itself a request for a tunnel, with or without headers
            raise httptools.HttpParserError("there are no tunnels here")
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        head = [cycle.scope["method"].encode(), b" ", self.url, b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            if name == b"connection":
                value = b"keep-alive" if cycle.keep_alive else b"close"
            if name not in {b"upgrade", b"http2-settings"}:
                head += (name, b": ", value, b"\r\n")
        return b"".join([*head, b"\r\n"])

    def _measure(self, size: int) -> None:
        """Note how much of a request has arrived that is not complete: neither a head nor trailers go on for ever."""
        if self._measured is not self.scope:  # of the first bytes, most may belong to the requests before
            self._measured, self._measured_bytes = self.scope, 0
            return
        self._measured_bytes += size
        if self._is_head_arriving and self._measured_bytes > MOST_HEAD_BYTES:
            self._reject(
                HeadTooLarge(
                    f"URL and headers are larger than {MOST_HEAD_BYTES:,} bytes",
                    code="head_too_large",
                    where="headers",
                    hint="send less of them: the data belong in the body",
                )
            )
        elif self._measured_bytes > self.limits.message_bytes:
            self.transport.close()  # it has its answer, and goes on

    def _reject(self, error: MlopsError) -> None:
        """Answer what is under way with an error and close; what came complete before is answered first."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.scope["method"] == "CONNECT":
                self.transport.close()
                return
            if self.pipeline or not cycle.more_body or cycle.response_started:
                cycle.keep_alive = False
                return
            cycle.response_started = cycle.response_complete = True
            cycle.disconnected = True  # who reads its body, or answers it already, is too late
            cycle.message_event.set()
        self._waiting = None
        reply = self.hot.refuse(error, self.headers or ())
        self.transport.write(_write(reply, keep_alive=True))
        self.transport.close()
