"""An HTTP request and its response, as the protocols see them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, NamedTuple

import msgspec

from mlops_lab.errors import InvalidInput, MlopsError, TooLarge, TooSlow

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
CLOSE: Header = (b"connection", b"close")
encode = msgspec.json.Encoder().encode


class Response(NamedTuple):
    """What a client gets: the status, the body, and the headers except the length."""

    status: int
    body: bytes
    headers: Sequence[Header] = (JSON,)


class Request:
    """One HTTP request."""

    __slots__ = ("_max_body_bytes", "_max_seconds", "_receive", "authorize", "headers", "method", "path")

    def __init__(self, scope: Scope, receive: Receive, *, max_body_bytes: int, max_seconds: float) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: Sequence[Header] = scope["headers"]
        self._receive = receive
        self._max_body_bytes = max_body_bytes
        self._max_seconds = max_seconds
        self.authorize: Callable[[], None] | None = None
        """Asked again when the body is complete: its token may have been revoked while it arrived."""

    def header(self, name: bytes) -> bytes | None:
        """The value of a header, None if it was not sent. The name is in lower case."""
        for header, value in self.headers:
            if header == name:
                return value
        return None

    async def body(self) -> bytes:
        """The whole body; TooLarge or TooSlow beyond the server's limits."""
        try:
            body = await asyncio.wait_for(self._read(), self._max_seconds)
        except TimeoutError:
            raise too_slow(self._max_seconds) from None
        if len(body) > self._max_body_bytes:
            raise TooLarge(
                f"the body is larger than {self._max_body_bytes:,} bytes",
                code="body_too_large",
                where="$",
                hint="send fewer rows at a time, or raise serving.max_body_bytes",
            )
        if self.authorize is not None:
            self.authorize()
        return body

    async def _read(self) -> bytes:
        parts = []
        size, more = 0, True
        while more and size <= self._max_body_bytes:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise TooSlow("the client closed the connection", code="disconnected", hint="send the request again")
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            more = message.get("more_body", False)
        return b"".join(parts)


def too_slow(seconds: float) -> TooSlow:
    """The error for a client that takes too long to send its request."""
    return TooSlow(
        f"the request did not arrive within {seconds:g} seconds",
        code="request_too_slow",
        where="request",
        hint="send it without pauses, or fewer rows at a time, or raise serving.request_seconds",
    )


def error_response(error: MlopsError, request_id: str) -> Response:
    """An error as the JSON object of our own protocol."""
    return Response(error.status, encode({"error": error.as_dict(), "request_id": request_id}))


def decode_body(decode: Callable[[bytes], Any], body: bytes) -> Any:
    """A JSON body, decoded by a msgspec decoder; InvalidInput says what is wrong and where."""
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise bad_field(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(
            f"the body is not JSON: {error}", code="invalid_json", where="$", hint="send one JSON object in UTF-8"
        ) from None


def bad_field(error: msgspec.ValidationError, where: str = "$") -> InvalidInput:
    """An error of msgspec as InvalidInput; the field that it names is below `where`."""
    what, _, field = str(error).partition(" - at ")
    return InvalidInput(
        what,
        code="invalid_request",
        where=where + field.strip("`").removeprefix("$"),
        hint="mlops.toml declares the fields and their types; a time needs a zone: 2013-03-01T05:00:00Z",
    )
