"""What a server and its runner say to each other: MessagePack behind its length, over a pair of sockets."""

from __future__ import annotations

import socket
import struct
from typing import TypeVar

import msgspec
import numpy as np

from mlops_lab.registry.columns import Columns

_LENGTH = struct.Struct("<I")
_PIECE = 1 << 20
_Message = TypeVar("_Message")


class RunnerSetup(msgspec.Struct, frozen=True):
    """The first that a runner hears: the model, what it predicts, the names of its inputs and which are text, and the
    types that the project trusts."""

    engine: str
    task: str
    model: bytes
    inputs: list[str]
    texts: list[str]
    trusted: list[str]


class RunnerReady(msgspec.Struct, frozen=True):
    """The first that it says: it can answer, or why not."""

    fault: str | None = None


class RunnerQuestion(msgspec.Struct, frozen=True, array_like=True):
    """Rows, column by column in the order of the inputs: float32 as bytes, or text."""

    number: int
    rows: int
    columns: list[bytes | list[str]]


class RunnerAnswer(msgspec.Struct, frozen=True, array_like=True):
    """Float64 as bytes, `width` numbers a row (0: one number that is no list), or what went wrong."""

    number: int
    outputs: bytes = b""
    width: int = 0
    fault: str | None = None


class Link:
    """One end of the pair."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._heard = bytearray()

    def send(self, message: msgspec.Struct) -> None:
        """Say it; OSError (TimeoutError among them) where the other end does not take it."""
        payload = msgspec.msgpack.encode(message)
        self._connection.sendall(_LENGTH.pack(len(payload)) + payload)

    def receive(self, kind: type[_Message]) -> _Message | None:
        """Wait for the next message; None where the other end is gone. TimeoutError where the socket has a limit."""
        while (found := self._take(kind)) is None:
            if not self._hear():
                return None
        return found

    def receive_waiting(self, *, most_rows: int) -> list[RunnerQuestion]:
        """Wait for a question; that one and all that have come behind it, up to so many rows. None: the end is gone."""
        first = self.receive(RunnerQuestion)
        waiting = [] if first is None else [first]
        while waiting and sum(question.rows for question in waiting) < most_rows:
            try:
                if not (found := self._take(RunnerQuestion)) and not self._hear(socket.MSG_DONTWAIT):
                    break
            except BlockingIOError:
                break
            if found:
                waiting.append(found)
        return waiting

    def _hear(self, flags: int = 0) -> bool:
        piece = self._connection.recv(_PIECE, flags)
        self._heard += piece
        return bool(piece)

    def _take(self, kind: type[_Message]) -> _Message | None:
        if len(self._heard) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._heard)[0]
        if len(self._heard) < end:
            return None
        message = msgspec.msgpack.decode(memoryview(self._heard)[_LENGTH.size : end], type=kind)
        self._heard = self._heard[end:]
        return message


def pack_columns(columns: Columns) -> list[bytes | list[str]]:
    """Columns as a question has them."""
    return [column.tolist() if column.dtype == object else column.tobytes() for column in columns.values()]


def unpack_columns(questions: list[RunnerQuestion], inputs: list[str]) -> Columns:
    """The rows of some questions as columns."""
    found = {}
    for place, name in enumerate(inputs):
        parts = [question.columns[place] for question in questions]
        if isinstance(parts[0], bytes):
            found[name] = np.frombuffer(b"".join(part for part in parts if isinstance(part, bytes)), dtype=np.float32)
        else:
            found[name] = np.array([text for part in parts for text in part], dtype=object)
    return found
