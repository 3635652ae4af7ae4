"""Whether the installed uvicorn has the private parts that `uvicorn_protocol` uses, and whether they work together.

A release of uvicorn may rename or change them at any time. The server checks this before it starts; where something is
different, it serves without the fast path, by what uvicorn documents.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Sequence
from types import ModuleType
from typing import Any, cast

from mlops_lab.errors import MlopsError
from mlops_lab.serving.http.fast_path import FastRequest, Limits
from mlops_lab.serving.http.messages import JSON, Header, Receive, Response, Scope, Send

METHODS: dict[str, dict[str, tuple[str, ...]]] = {
    "HttpToolsProtocol": {
        "__init__": ("config", "server_state", "app_state", "_loop"),
        "_start_asgi_task": ("cycle", "app"),
        "connection_made": ("transport",),
        "data_received": ("data",),
        "on_body": ("body",),
        "on_message_complete": (),
        "on_response_complete": (),
    },
    "FlowControl": {"__init__": ("transport",), "pause_reading": (), "resume_reading": ()},
}
"""By class, the methods that we call or replace, with their parameters."""
CONNECTION = (
    *("app", "connections", "cycle", "flow", "headers", "loop", "parser", "pipeline", "scope", "server_state"),
    *("timeout_keep_alive", "transport", "url"),
)
CYCLE = (
    *(
        "body",
        "default_headers",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "on_response",
        "response_complete",
    ),
    *("response_started", "scope", "transport", "waiting_for_100_continue"),
)
FLOW = ("read_paused", "write_paused")
_LARGE = 40_000
"""Bytes of a body that is too large for the fast path."""


def fast_path_is_supported() -> bool:
    """Whether the fast path works with the installed uvicorn."""
    return find_fast_path_problem() is None


def find_fast_path_problem() -> str | None:
    """Why the fast path cannot work with the installed uvicorn; None if it can. Not to be called in an event loop."""
    try:
        from mlops_lab.serving.http import uvicorn_protocol

        return _find_other_methods(uvicorn_protocol) or _try_requests(uvicorn_protocol)
    except Exception as error:  # whatever a changed class raises
        return f"{type(error).__name__}: {error}"


def _find_other_methods(module: ModuleType) -> str | None:
    for owner, methods in METHODS.items():
        for name, parameters in methods.items():
            method = getattr(getattr(module, owner), name, None)
            if method is None:
                return f"{owner} has no {name}"
            present = tuple(inspect.signature(method).parameters)[1:]
            if present != parameters:
                return f"{owner}.{name} takes ({', '.join(present)}) instead of ({', '.join(parameters)})"
    return None


def _try_requests(module: Any) -> str | None:
    """Send requests through the protocol, without a network; what is not as expected."""
    loop, logger = asyncio.new_event_loop(), logging.getLogger("uvicorn.error")
    was_disabled, logger.disabled = logger.disabled, True  # the result says what is wrong
    try:
        return loop.run_until_complete(_Trial(module, loop).run())
    finally:
        logger.disabled = was_disabled
        loop.close()


class _Trial:
    """A connection to an application that only knows how its requests came."""

    def __init__(self, module: Any, loop: asyncio.AbstractEventLoop) -> None:
        import uvicorn
        from uvicorn.server import ServerState

        app = _TrialApp()
        limits = Limits(connections=1, seconds=1.0, message_bytes=2 * _LARGE)
        protocol = module.make_protocol_class(app, limits)
        config = uvicorn.Config(cast(Any, app), http=protocol, ws="none", lifespan="off", log_config=None)
        config.load()
        self._transport = _TrialTransport()
        self._connection = protocol(config=config, server_state=ServerState(), app_state={}, _loop=loop)

    async def run(self) -> str | None:
        """What is not as expected, if anything."""
        connection, transport = self._connection, self._transport
        connection.connection_made(transport)
        three = _post(b"3") + _post(b"4", "/") + _post(b"5")
        for what, sent, expected in (
            ("a request in one piece", [_post(b"1")], [b"fast 1"]),
            ("a request in pieces", [_post(b"2")[:9], _post(b"2")[9:-1], b"2"], [b"fast 2"]),
            (
                "requests before the response",
                [three],
                [b"fast 3", b"4", b"fast 5"],
            ),
            ("a large body", [_post(b"x" * _LARGE)], [b"x" * _LARGE]),
        ):
            for part in sent:
                connection.data_received(part)
            for _ in range(20):
                await asyncio.sleep(0)
            if missing := self._find_missing_attribute():
                return missing
            if transport.take_bodies() != expected:
                return f"{what} is not answered as expected"
        connection.enforce_limits(0.0)
        connection.enforce_limits(float(connection.timeout_keep_alive))
        if not transport.take_closing():
            return "an idle connection is not closed"
        connection.data_received(b"no HTTP\r\n\r\n")
        if transport.take_bodies() != [b"rejected"] or not transport.take_closing():
            return "what is not HTTP is not rejected"
        connection.connection_lost(None)
        return None

    def _find_missing_attribute(self) -> str | None:
        connection = self._connection
        for owner, names in ((connection, CONNECTION), (connection.cycle, CYCLE), (connection.flow, FLOW)):
            for name in names:
                if not hasattr(owner, name):
                    return f"{type(owner).__name__} has no {name}"
        return None


class _TrialApp:
    def is_fast_route(self, method: str, path: str) -> bool:
        return (method, path) == ("POST", "/fast")

    def answer_fast(self, request: FastRequest) -> None:
        request.respond(Response(200, b"fast " + request.body))

    def reject(self, error: MlopsError, headers: Sequence[Header]) -> Response:
        return Response(error.status, b"rejected", (JSON, *headers))

    async def reject_connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class _TrialTransport(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._written = b""
        self._is_closing = False

    def take_bodies(self) -> list[bytes]:
        """The bodies of the responses since the last call."""
        parts, self._written = self._written.split(b"HTTP/1.1 ")[1:], b""
        return [part.partition(b"\r\n\r\n")[2] for part in parts]

    def take_closing(self) -> bool:
        """Whether it was closed since the last call."""
        was_closing, self._is_closing = self._is_closing, False
        return was_closing

    def write(self, data: Any) -> None:
        self._written += data

    def close(self) -> None:
        self._is_closing = True

    abort = close

    def is_closing(self) -> bool:
        return self._is_closing

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def _post(body: bytes, path: str = "/fast") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
