"""What one client can take up of a real server: time, connections, memory; and what it is told when that is too much."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from raw import HEALTH, PREDICT, Raw, http, raw
from running import Server, serving, until

from mlops_lab.project import Project, load_project

SECONDS, CONNECTIONS = 1.0, 8


@pytest.fixture(scope="module")
def strict(copy_project: Callable[..., Project]) -> Iterator[Server]:
    flags = [f"serving.request_seconds={SECONDS}", f"serving.max_connections={CONNECTIONS}"]
    with serving(load_project(copy_project().root, flags=[*flags, "serving.max_body_bytes=200000"])) as running:
        yield running


def health(server: Server) -> int:
    with raw(server.process.address) as connection:
        return connection.ask(HEALTH).status


@pytest.mark.parametrize(
    "sent",
    [
        b"P",
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Le",
        PREDICT[:-1],
        PREDICT[:-40],
        PREDICT[:-99],
        HEALTH + PREDICT[:-1],
        PREDICT + PREDICT[:30],
        http("POST", "/v1/tables/traffic/rows", b"x" * 100)[:-1],
        http("POST", "/v1/tables/traffic/rows", b"x" * 100)[:-100],
        http("POST", "/v1/predict", b"x", "Expect: 100-continue")[:-1],
    ],
)
def test_who_does_not_send_all_of_a_request_is_told_and_cut_off(strict: Server, sent: bytes) -> None:
    token = f"Authorization: Bearer {strict.talk().token}\r\n".encode()
    with raw(strict.process.address) as slow:
        slow.send(sent.replace(b"Host: localhost\r\n", b"Host: localhost\r\n" + token))
        *before, last = slow.read()
    assert [told.status for told in before] in ([], [200])
    assert (last.status, last.code) == (408, "request_too_slow")
    assert slow.closed


@pytest.mark.parametrize("sent", [b"GET /healthz HTTP/1.1\r\nA: b\r\n", PREDICT[:-60]], ids=["head", "body"])
def test_a_byte_now_and_then_buys_no_time(strict: Server, sent: bytes) -> None:
    with raw(strict.process.address) as slow:
        slow.send(sent)
        began = time.monotonic()
        while not slow.closed and time.monotonic() < began + 20:
            slow.send(b"a")
            time.sleep(0.2)
        slow.closed = False
        assert [told.status for told in slow.read()] in ([408], [])  # [] where a byte sent after the end reset it
    assert time.monotonic() < began + 20


def test_a_connection_may_rest_between_requests(strict: Server) -> None:
    with raw(strict.process.address) as connection:
        time.sleep(SECONDS + 2)
        assert connection.ask(PREDICT).status == 200
        time.sleep(SECONDS + 2)
        assert connection.ask(PREDICT).status == 200


def test_who_does_not_take_in_the_answers_is_cut_off(strict: Server) -> None:
    with raw(strict.process.address, timeout_seconds=10) as deaf:
        ask = http("GET", "/metrics")
        began = time.monotonic()
        deaf.socket.settimeout(0.5)
        while not deaf.closed and time.monotonic() < began + 30:
            try:
                deaf.send(ask * 20)
            except TimeoutError:
                continue
        assert deaf.closed
    assert health(strict) == 200


def test_new_connections_take_the_place_of_idle_ones(strict: Server) -> None:
    connections: list[Raw] = []
    try:
        for _ in range(3 * CONNECTIONS):
            connections.append(Raw(strict.process.address))
            assert connections[-1].ask(PREDICT).status == 200
        assert connections[0].read(2) == connections[0].answers[:1], "the oldest are closed"
    finally:
        for connection in connections:
            connection.socket.close()


def test_where_all_are_busy_one_more_is_told_so(strict: Server) -> None:
    busy = [Raw(strict.process.address) for _ in range(CONNECTIONS)]
    try:
        until(lambda: fill(strict, busy))
        with raw(strict.process.address) as extra:
            told = extra.ask(PREDICT)
            assert (told.status, told.code) == (503, "too_many_connections")
            assert extra.read() == [told]
    finally:
        for connection in busy:
            connection.socket.close()
    until(lambda: health(strict) == 200)


def fill(server: Server, busy: list[Raw]) -> bool:
    """Have each of the connections send half a request; whether that leaves no place."""
    for connection in busy:
        connection.socket.close()
    busy[:] = [Raw(server.process.address) for _ in busy]
    for connection in busy:
        connection.send(b"POST /v1/predict HTTP/1.1\r\n")
    time.sleep(0.05)
    return health(server) == 503


def test_a_head_without_end_is_refused(strict: Server) -> None:
    for endless in (b"A: b\r\n" * 100, b"x" * 600):
        with raw(strict.process.address) as connection:
            connection.send(b"GET /healthz HTTP/1.1\r\n" + (b"" if endless[:1] == b"A" else b"A: "))
            for _ in range(1000):
                connection.send(endless)
                if connection.closed:
                    break
            told = connection.read()
            assert [one.status for one in told] in ([431], [])  # [] where what was sent after the end reset it
            assert connection.closed


@pytest.mark.parametrize("path", ["/v1/predict", "/healthz", "/v1/tables/traffic/rows"])
@pytest.mark.parametrize("endless", [b"1;" + b"x" * 10_000, b"0\r\n" + b"A: b\r\n" * 1000], ids=["chunk", "trailers"])
def test_neither_chunks_nor_trailers_go_on_for_ever(strict: Server, path: str, endless: bytes) -> None:
    method = "GET" if path == "/healthz" else "POST"
    with raw(strict.process.address) as connection:
        connection.send(f"{method} {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + endless)
        for _ in range(3000):
            connection.send(endless[-6000:])
            if connection.closed:
                break
        assert connection.closed
    assert health(strict) == 200


def test_a_request_to_upgrade_is_answered_as_if_it_were_none(strict: Server) -> None:
    """As some clients begin every connection with."""
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
    with raw(strict.process.address) as connection:
        for _ in range(3):
            assert connection.ask(http("POST", "/v1/predict", PREDICT.split(b"\r\n\r\n")[1], *upgrade)).status == 200
            assert connection.ask(http("GET", "/healthz", b"", *upgrade)).status == 200
        connection.answers.clear()
        connection.send(http("GET", "/healthz", b"", *upgrade) * 5 + HEALTH)
        assert [told.status for told in connection.read(6)] == [200] * 6


def test_thousands_of_requests_in_one_packet_are_all_answered(strict: Server) -> None:
    bad = http("POST", "/v1/predict", b"{}")
    with raw(strict.process.address) as connection:
        sender = threading.Thread(target=connection.send, args=((bad * 9 + PREDICT) * 300 + HEALTH,))
        sender.start()
        answers = connection.read(3001)
        sender.join()
    assert [told.status for told in answers] == ([400] * 9 + [200]) * 300 + [200]


@pytest.mark.parametrize(
    "garbage", [b"\x00\xff" * 50, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET nowhere HTTP/1.1\r\n\r\n"]
)
def test_what_came_before_garbage_is_answered_first(strict: Server, garbage: bytes) -> None:
    with raw(strict.process.address) as connection:
        connection.send(PREDICT + HEALTH + PREDICT + garbage)
        answers = connection.read()
        assert [told.status for told in answers][:3] == [200, 200, 200]
        assert [told.code for told in answers[3:]] in ([], ["bad_http"])
    with raw(strict.process.address) as connection:
        connection.send(garbage)
        (told,) = connection.read()
        assert (told.status, told.code) == (400, "bad_http")


def test_the_id_of_a_request_is_in_its_error(strict: Server) -> None:
    with raw(strict.process.address) as connection:
        told = connection.ask(http("POST", "/v1/predict", b"{}", "X-Request-Id: mine-7"))
        assert told.json["request_id"] == "mine-7"
        assert connection.ask(http("GET", "/nowhere", b"", "X-Request-Id: mine-8")).json["request_id"] == "mine-8"
