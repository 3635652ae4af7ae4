"""The client against a small server on this machine: responses in order, and a connection that is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlops_lab.replay.client import Client


class Echo(BaseHTTPRequestHandler):
    """Responds with what it was sent; to `/gone` by closing the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/gone":
            self.close_connection = True
            return
        text = b" ".join([self.command.encode(), self.path.encode(), self.headers["Authorization"].encode(), body])
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    client = Client("127.0.0.1", port, token="secret", connections=4, timeout_seconds=10)
    yield client
    client.close()


def test_responses_come_in_the_order_of_the_requests(client: Client) -> None:
    bodies = [b"%d" % number for number in range(25)]
    early = client.send("/echo", bodies)
    late = client.drain()
    assert [(200, b"POST /echo Bearer secret " + body) for body in bodies] == early + late
    assert len(late) == 4, "as many as there are connections are in flight"
    assert client.drain() == []


def test_a_call_does_not_disturb_requests_in_flight(client: Client) -> None:
    assert client.send("/echo", [b"1", b"2"]) == []
    assert client.call("GET", "/status") == (200, b"GET /status Bearer secret ")
    assert client.call("POST", "/missing", b"x")[0] == 404
    assert [body[-1:] for _, body in client.drain()] == [b"1", b"2"]


def test_a_lost_connection_closes_the_client(client: Client) -> None:
    client.send("/gone", [b"1"])
    with pytest.raises(ConnectionError, match="closed the connection"):
        client.drain()
    with pytest.raises(ConnectionError, match="the client is closed"):
        client.call("GET", "/status")


def test_nobody_listens() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        free = server.server_address[1]
    with pytest.raises(ConnectionError):
        Client("127.0.0.1", free, connections=1, timeout_seconds=5)
