"""The fast path inside of uvicorn, and limits to what one client may use.

This is the only module that uses uvicorn's private parts. `uvicorn_check` verifies before the server starts that they
are as this module expects them, and names all of them: change both together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence, Sized
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mlops_lab.errors import HeadTooLarge, InvalidInput, MlopsError
from mlops_lab.serving.http.fast_path import MAX_HEAD_BYTES, FastPathApp, Limits, format_response
from mlops_lab.serving.http.messages import Header, Response, Scope, too_slow

MAX_FAST_BODY_BYTES = 32 * 1024
"""Larger bodies do not take the fast path: the usual way pauses a client that sends faster than we read."""
SPARE_CONNECTIONS = 100
"""So many connections beyond the limit get a response that says why they are rejected; further ones are only closed."""


def make_protocol_class(app: FastPathApp, limits: Limits) -> type[FastPathProtocol]:
    """The class that uvicorn makes an instance of for each connection."""
    return type("AppProtocol", (FastPathProtocol,), {"fast_app": app, "limits": limits})


def enforce_limits(connections: Iterable[Any], now: float) -> None:
    """Close the connections of clients that are too slow. To be called every second."""
    for connection in list(connections):
        cast(FastPathProtocol, connection).enforce_limits(now)


class UvicornRequest:
    """One request whose body is complete: see `fast_path.FastRequest`."""

    __slots__ = ("_cycle", "body", "headers")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self.headers: Sequence[Header] = cycle.scope["headers"]  # type: ignore[assignment]
        self.body = bytes(cycle.body)

    def respond(self, response: Response) -> None:
        """Send the response, unless the client closed the connection."""
        cycle = self._cycle
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(format_response(response, cycle.default_headers, keep_alive=cycle.keep_alive))
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


class _PipelineFlowControl(FlowControl):
    """Resumes reading only when no request waits for its answer: else one client could have any number of them wait."""

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        if not self._pipeline:
            super().resume_reading()


class FastPathProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the fast path, and with limits.

    There is no timer for each request: `enforce_limits`, called every second, compares with what it saw the last time.
    """

    fast_app: FastPathApp
    limits: Limits
    cycle: RequestResponseCycle | None  # type: ignore[assignment]
    scope: Scope | None  # type: ignore[assignment]
    _is_rejected = False
    _waiting: RequestResponseCycle | None = None
    """A request on the fast path whose body is not complete yet."""
    _measured_scope: Scope | None = None
    _measured_bytes = 0
    _seen_scope: Scope | None = None
    _seen_since = 0.0
    _unsent_bytes = 0
    _unsent_since = 0.0

    # ---- the fast path -------------------------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope = cycle.scope
        if self.parser.should_upgrade() and cycle is self.cycle:  # see `_decline_upgrade`
            return
        if (
            cycle.waiting_for_100_continue
            or self.flow.write_paused
            or len(cycle.body) > MAX_FAST_BODY_BYTES
            or not self.fast_app.is_fast_route(scope["method"], scope["path"])
            or self._is_rejected
        ):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._waiting = cycle
        else:  # was sent before the previous answer. Not at once: a packet may hold thousands of such requests
            self.loop.call_soon(self.fast_app.answer_fast, UvicornRequest(cycle))

    def on_body(self, body: bytes) -> None:
        """Add a part of a body."""
        super().on_body(body)
        if (cycle := self._waiting) is not None and len(cycle.body) > MAX_FAST_BODY_BYTES:
            self._waiting = None
            super()._start_asgi_task(cycle, self.app)

    def on_message_complete(self) -> None:
        """Answer a request that waited for its body."""
        super().on_message_complete()
        if (cycle := self._waiting) is not None and not cycle.more_body:
            self._waiting = None
            self.fast_app.answer_fast(UvicornRequest(cycle))

    def on_response_complete(self) -> None:
        """Begin with the next request, if it has arrived."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        following = self.pipeline.pop() if self.pipeline else None
        if self.flow.read_paused:
            self.flow.resume_reading()
        if following is not None:
            self._start_asgi_task(*following)

    # ---- limits --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin. Beyond the limit, close the connection that has been idle longest, or reject this one."""
        super().connection_made(transport)
        self.flow = _PipelineFlowControl(transport, self.pipeline)
        self._seen_since = self.loop.time()
        if len(self.connections) <= self.limits.connections:
            return
        others = [cast(FastPathProtocol, other) for other in self.connections if other is not self]
        idle = [other for other in others if other.is_idle]
        if idle:
            min(idle, key=lambda other: other._seen_since).transport.close()
        elif len(self.connections) > self.limits.connections + SPARE_CONNECTIONS:
            transport.abort()
        else:
            self._is_rejected, self.app = True, self.fast_app.reject_connection

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived. What is not HTTP gets an error like any wrong request; upgrades are declined."""
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

    def enforce_limits(self, now: float) -> None:
        """Disconnect a client that takes too long to send its request, or to receive its response, or is idle for too
        long."""
        limit = self.limits.seconds
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent_bytes:
            self._unsent_bytes, self._unsent_since = unsent, now
        elif now - self._unsent_since >= limit:
            self.transport.abort()
        if self.scope is not self._seen_scope:
            self._seen_scope, self._seen_since = self.scope, now
        elif now - self._seen_since >= limit and (self._waiting is not None or self._is_head_arriving):
            self._reject(too_slow(limit))
        elif now - self._seen_since >= self.timeout_keep_alive and self.is_idle:
            self.transport.close()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        cycle = self.cycle
        return (cycle is None or cycle.response_complete) and not self._is_head_arriving

    @property
    def _is_head_arriving(self) -> bool:
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _decline_upgrade(self) -> bytes:
        """The head that was just parsed, without its request for another protocol, to be parsed again.

        The parser would treat all that follows as data of that protocol. Some clients of HTTP/2 begin every connection
        with such a request, with a body behind it.
        """
        cycle = self.cycle
        assert cycle is not None
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        else:
            cycle.response_complete = True
        if cycle.scope["method"] == "CONNECT":  # asks for a tunnel, whatever its headers are
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
        """Count the bytes of a request that is not complete, and reject it beyond the limit."""
        if self._measured_scope is not self.scope:  # most of the first bytes may belong to the requests before
            self._measured_scope, self._measured_bytes = self.scope, 0
            return
        self._measured_bytes += size
        if self._is_head_arriving and self._measured_bytes > MAX_HEAD_BYTES:
            self._reject(
                HeadTooLarge(
                    f"URL and headers are larger than {MAX_HEAD_BYTES:,} bytes",
                    code="head_too_large",
                    where="headers",
                    hint="send fewer headers: the data belong in the body",
                )
            )
        elif self._measured_bytes > self.limits.message_bytes:
            self.transport.close()  # it has its response already, and still sends

    def _reject(self, error: MlopsError) -> None:
        """Answer the request under way with an error and close; requests that were complete are answered first."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.scope["method"] == "CONNECT":
                self.transport.close()
                return
            if self.pipeline or not cycle.more_body or cycle.response_started:
                cycle.keep_alive = False
                return
            cycle.response_started = cycle.response_complete = True
            cycle.disconnected = True  # a handler that still reads the body, or answers, is too late
            cycle.message_event.set()
        self._waiting = None
        response = self.fast_app.reject(error, self.headers or ())
        self.transport.write(format_response(response, self.server_state.default_headers, keep_alive=True))
        self.transport.close()
