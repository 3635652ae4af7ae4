"""An HTTP request and its response, as the protocols see them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, NamedTuple

import msgspec

from mlops_lab.contracts.fields import RowTypes
from mlops_lab.errors import InvalidInput, MlopsError, TooSlow
from mlops_lab.serving.http.compression import decompress, too_large

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

    __slots__ = ("_is_read", "_max_body_bytes", "_max_seconds", "_receive", "authorize", "headers", "method", "path")

    def __init__(self, scope: Scope, receive: Receive, *, max_body_bytes: int, max_seconds: float) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: Sequence[Header] = scope["headers"]
        self._receive = receive
        self._max_body_bytes = max_body_bytes
        self._max_seconds = max_seconds
        self._is_read = False
        self.authorize: Callable[[], None] | None = None
        """Asked again when the body is complete: its token may have been revoked while it arrived."""

    def header(self, name: bytes) -> bytes | None:
        """The value of a header, None if it was not sent. The name is in lower case."""
        return find_header(self.headers, name)

    @property
    def must_close(self) -> bool:
        """Whether nobody knows where the next request begins: the client waits to send the body, or does not."""
        return not self._is_read and self.header(b"expect") is not None

    async def body(self) -> bytes:
        """The whole body, decompressed; TooLarge or TooSlow beyond the server's limits."""
        try:
            body = await asyncio.wait_for(self._read(), self._max_seconds)
        except TimeoutError:
            raise too_slow(self._max_seconds) from None
        if len(body) > self._max_body_bytes:
            raise too_large(self._max_body_bytes)
        if self.authorize is not None:
            self.authorize()
        coding = self.header(b"content-encoding")
        return body if coding is None else decompress(body, coding, max_bytes=self._max_body_bytes)

    async def _read(self) -> bytes:
        parts = []
        size, more = 0, True
        self._is_read = True
        while more and size <= self._max_body_bytes:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise TooSlow("the client closed the connection", code="disconnected", hint="send the request again")
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            more = message.get("more_body", False)
        return b"".join(parts)


def find_header(headers: Sequence[Header], name: bytes) -> bytes | None:
    """The value of a header, None if it was not sent. The name is in lower case."""
    for header, value in headers:
        if header == name:
            return value
    return None


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


def make_decoder(kind: Any) -> Callable[[bytes], Any]:
    """A decoder of JSON, which takes 3.0 for 3: clients that hold a table with missing values have only floats. It also
    takes " red" for one of the texts that are allowed.

    Only a body that was refused for one of these is looked at again; the others cost nothing more.
    """

    decode = msgspec.json.Decoder(kind).decode

    def decode_leniently(body: bytes) -> Any:
        try:
            return decode(body)
        except msgspec.ValidationError as error:
            is_float = "`int" in str(error) and "got `float`" in str(error)
            if not is_float and "Invalid enum value" not in str(error):
                raise
        return msgspec.convert(_as_in_files(msgspec.json.decode(body)), kind)

    return decode_leniently


def make_list_decoder(rows: RowTypes) -> Callable[[bytes], Any]:
    """As `make_decoder` of a list of `rows.checked`. Where all of them pass their check, which is made for all at once,
    they are of the kind `rows.plain`."""
    decode_plain = msgspec.json.Decoder(list[rows.plain]).decode  # type: ignore[name-defined]
    decode = make_decoder(list[rows.checked])  # type: ignore[name-defined]

    def decode_list(body: bytes) -> Any:
        try:
            decoded = decode_plain(body)
        except msgspec.ValidationError:
            return decode(body)
        return decoded if rows.check.passes(decoded) else decode(body)

    return decode_list


def _as_in_files(value: Any) -> Any:
    """The JSON value as files are read: integers for all whole numbers that a float holds exactly, text stripped."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return [_as_in_files(item) for item in value]
    return {name: _as_in_files(item) for name, item in value.items()} if isinstance(value, dict) else value


def take_nan(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """The decoder, which takes NaN for null: clients in Python write a missing number so, although it is not JSON."""

    def decode_with_nan(body: bytes) -> Any:
        try:
            return decode(body)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            if b"NaN" not in body and b"Infinity" not in body:
                raise
            try:
                data = json.loads(body, parse_constant=_parse_constant)
            except ValueError:
                data = None
            if data is None:
                raise
            return decode(json.dumps(data).encode())  # which is stricter about texts and numbers

    return decode_with_nan


def _parse_constant(name: str) -> None:
    if name != "NaN":
        raise InvalidInput(
            f"{name} is not JSON", code="invalid_json", where="$", hint="a number must be finite; send null for none"
        )


def bad_field(error: msgspec.ValidationError, where: str = "$") -> InvalidInput:
    """An error of msgspec as InvalidInput; the field that it names is below `where`."""
    what, _, field = str(error).partition(" - at ")
    return InvalidInput(
        what,
        code="invalid_request",
        where=where + field.strip("`").removeprefix("$"),
        hint="mlops.toml declares the fields and their types; a time needs a zone: 2013-03-01T05:00:00Z",
    )
