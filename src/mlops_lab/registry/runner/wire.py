"""The messages between a server and its runner: MessagePack with its length in front, over a pair of sockets."""

from __future__ import annotations

import socket
import struct
from typing import TypeVar

import msgspec
import numpy as np

from mlops_lab.registry.columns import Columns

_LENGTH = struct.Struct("<I")
_CHUNK_BYTES = 1 << 20
_Message = TypeVar("_Message")


class RunnerSetup(msgspec.Struct, frozen=True):
    """The first message to a runner: the model, its task, the names of its inputs and of those that are text, and the
    types that the project trusts."""

    engine: str
    task: str
    model: bytes
    inputs: list[str]
    texts: list[str]
    trusted: list[str]


class RunnerReady(msgspec.Struct, frozen=True):
    """The first message from a runner: it can answer, or why it cannot."""

    fault: str | None = None


class RunnerRequest(msgspec.Struct, frozen=True, array_like=True):
    """Rows, column by column in the order of the inputs: float32 as bytes, or text."""

    number: int
    rows: int
    columns: list[bytes | list[str]]


class RunnerResponse(msgspec.Struct, frozen=True, array_like=True):
    """Float64 as bytes, `width` numbers a row (0: one number that is not in a list), or why there is no answer."""

    number: int
    outputs: bytes = b""
    width: int = 0
    fault: str | None = None


class Link:
    """One end of the pair of sockets."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()

    def send(self, message: msgspec.Struct) -> None:
        """Send a message; OSError (TimeoutError among them) where the other end does not take it."""
        payload = msgspec.msgpack.encode(message)
        self._connection.sendall(_LENGTH.pack(len(payload)) + payload)

    def receive(self, kind: type[_Message]) -> _Message | None:
        """Wait for the next message; None where the other end is closed. TimeoutError where the socket has a limit."""
        while (message := self._take(kind)) is None:
            if not self._read_chunk():
                return None
        return message

    def receive_requests(self, *, max_rows: int) -> list[RunnerRequest]:
        """Wait for a request; that one and all that have arrived behind it, up to so many rows.

        None at all where the other end is closed.
        """
        first = self.receive(RunnerRequest)
        requests = [] if first is None else [first]
        while requests and sum(request.rows for request in requests) < max_rows:
            try:
                if not (request := self._take(RunnerRequest)) and not self._read_chunk(socket.MSG_DONTWAIT):
                    break
            except BlockingIOError:
                break
            if request:
                requests.append(request)
        return requests

    def _read_chunk(self, flags: int = 0) -> bool:
        chunk = self._connection.recv(_CHUNK_BYTES, flags)
        self._received += chunk
        return bool(chunk)

    def _take(self, kind: type[_Message]) -> _Message | None:
        """The first message, where all of it was received."""
        if len(self._received) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
        if len(self._received) < end:
            return None
        message = msgspec.msgpack.decode(memoryview(self._received)[_LENGTH.size : end], type=kind)
        self._received = self._received[end:]
        return message


def pack_columns(columns: Columns) -> list[bytes | list[str]]:
    """Columns as a request holds them."""
    return [column.tolist() if column.dtype == object else column.tobytes() for column in columns.values()]


def unpack_columns(requests: list[RunnerRequest], inputs: list[str]) -> Columns:
    """The rows of some requests as columns."""
    columns = {}
    for index, name in enumerate(inputs):
        parts = [request.columns[index] for request in requests]
        if isinstance(parts[0], bytes):
            columns[name] = np.frombuffer(b"".join(part for part in parts if isinstance(part, bytes)), dtype=np.float32)
        else:
            columns[name] = np.array([text for part in parts for text in part], dtype=object)
    return columns
