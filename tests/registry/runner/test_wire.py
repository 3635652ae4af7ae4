"""The messages between a server and its runner: whole, in order, whatever the pieces in which they arrive."""

import socket
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.registry.runner.wire import (
    Link,
    RunnerReady,
    RunnerRequest,
    RunnerResponse,
    RunnerSetup,
    pack_columns,
    unpack_columns,
)


class Pieces:
    """A connection whose other end has sent these bytes, and gives them in pieces of one size."""

    def __init__(self, content: bytes, size: int) -> None:
        self._content, self._size = content, size

    def recv(self, limit: int, flags: int = 0) -> bytes:
        piece, self._content = self._content[: min(self._size, limit)], self._content[min(self._size, limit) :]
        return piece


class Kept:
    """A connection that keeps what is sent."""

    def __init__(self) -> None:
        self.content = b""

    def sendall(self, content: bytes) -> None:
        self.content += content


MESSAGES = [
    RunnerSetup("skops", "binary", b"\x00\xff" * 9, ["price", "place"], ["place"], ["numpy.dtype"]),
    RunnerReady(),
    RunnerReady("ValueError: no model"),
    RunnerRequest(3, 2, [np.array([1.0, np.nan], dtype=np.float32).tobytes(), ["ü", ""]]),
    RunnerResponse(3, np.array([0.25, 0.75]).tobytes(), 2),
    RunnerResponse(4, fault="it fails"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_messages_arrive_whole_and_in_order_whatever_the_pieces(size):
    sent = Kept()
    for message in MESSAGES:
        Link(sent).send(message)
    link = Link(Pieces(sent.content, size))
    assert [link.receive(type(message)) for message in MESSAGES] == MESSAGES
    assert link.receive(RunnerReady) is None, "the other end is closed"


def test_half_a_message_is_none_where_the_other_end_is_closed():
    sent = Kept()
    Link(sent).send(MESSAGES[0])
    assert Link(Pieces(sent.content[:-1], 1000)).receive(RunnerSetup) is None
    assert Link(Pieces(sent.content[:2], 1000)).receive(RunnerSetup) is None


def test_a_message_larger_than_the_buffers_of_the_sockets_arrives():
    parent_end, child_end = socket.socketpair()
    large = RunnerResponse(1, bytes(5 << 20), 1)
    with parent_end, child_end:
        thread = threading.Thread(target=Link(parent_end).send, args=(large,))
        thread.start()
        assert Link(child_end).receive(RunnerResponse) == large
        thread.join()


ROWS = st.tuples(st.floats(width=32), st.text(max_size=3))


@given(st.lists(st.lists(ROWS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_the_rows_of_several_requests_come_out_as_one_block_of_columns(batches):
    requests = []
    for number, rows in enumerate(batches):
        numbers, texts = zip(*rows, strict=True)
        columns = {"price": np.array(numbers, dtype=np.float32), "place": np.array(texts, dtype=object)}
        requests.append(RunnerRequest(number, len(rows), pack_columns(columns)))
    columns = unpack_columns(requests, ["price", "place"])
    expected = [row for rows in batches for row in rows]
    assert columns["price"].tobytes() == np.array([number for number, _ in expected], dtype=np.float32).tobytes()
    assert columns["place"].tolist() == [text for _, text in expected]
