"""What probes, proxies and tools of machines send that people rarely do."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection

import httptools
import pytest
from raw import HEALTH, PREDICT, REQUEST, Raw, http, raw
from running import Server, serving

from mlops_lab.project import Project, load_project

BODY = json.dumps(REQUEST).encode()
JSON = "Content-Type: application/json"


def test_head_is_get_without_the_body(server: Server) -> None:
    address = server.process.address
    connection = HTTPConnection(address.host, address.port, timeout=30)
    for path in ("/healthz", "/readyz", "/metrics", "/ping", "/health", "/v2/health/live", "/v2/health/ready", "/docs"):
        lengths = {}
        for method in ("HEAD", "GET", "HEAD"):
            connection.request(method, path)
            answer = connection.getresponse()
            assert answer.status == 200, (method, path)
            lengths[method] = int(answer.headers["content-length"])
            assert (answer.read() == b"") == (method == "HEAD")
        assert lengths["HEAD"] > 0
        assert lengths["HEAD"] == lengths["GET"] or path == "/metrics"
    for path, status in (("/v1/predict", 405), ("/nowhere", 404)):
        connection.request("HEAD", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, b"")
    connection.close()


def test_every_response_has_a_date(server: Server) -> None:
    large = http("POST", "/v1/predict", json.dumps([REQUEST] * 500).encode())
    asked = [PREDICT, large, HEALTH, http("GET", "/nowhere"), http("POST", "/v1/predict", b"{"), b"no HTTP\r\n\r\n"]
    with raw(server.process.address) as connection:
        time.sleep(1.1)  # it is written once a second
        for sent in asked:
            told = connection.ask(sent)
            assert abs(parsedate_to_datetime(told.headers["date"]).timestamp() - time.time()) < 5, told


class Expecting(Raw):
    """A client that waits for the leave to send its body."""

    def continues(self, sent: bytes) -> bool:
        """Whether it gets the leave."""
        self.socket.sendall(sent)
        data = self.socket.recv(65536)
        if data.startswith(b"HTTP/1.1 100"):
            return True
        parser = httptools.HttpResponseParser(self)
        parser.feed_data(data)
        return False


def expecting(path: str, size: int, *headers: str) -> bytes:
    head = http("POST", path, b"", "Expect: 100-continue", *headers)
    return head.replace(b"Content-Length: 0", b"Content-Length: %d" % size)


@pytest.mark.parametrize("path", ["/v1/predict", "/invocations", "/v1/outcomes"])
def test_a_client_that_waits_for_the_leave_to_go_on(server: Server, path: str) -> None:
    address, token = server.process.address, f"Authorization: Bearer {server.talk().token}"
    body = {
        "/v1/predict": BODY,
        "/invocations": json.dumps({"instances": [REQUEST]}).encode(),
        "/v1/outcomes": b'{"outcomes": []}',
    }[path]
    client = Expecting(address)
    for _ in range(3):
        assert client.continues(expecting(path, len(body), JSON, token))
        assert client.ask(body).status == 200
    client.socket.close()
    # a refusal comes at once, and ends the connection: the body may follow, or the next request
    for refused, status in ((expecting(path, 10, "Content-Type: text/plain", token), 415), (expecting("/x", 9), 404)):
        with raw(address) as connection:
            told = connection.ask(refused)
            assert (told.status, told.headers["connection"]) == (status, "close")
            connection.read()
            assert connection.closed


@pytest.mark.parametrize("size", [1, 300])
def test_a_compressed_body_is_read(server: Server, size: int) -> None:
    """On the fast path, and beside it."""
    token = f"Authorization: Bearer {server.talk().token}"
    rows = [{**REQUEST, "items": number % 7} for number in range(size)]
    sent = [
        ("/v1/predict", rows[0] if size == 1 else rows),
        ("/invocations", {"instances": rows}),
        ("/v1/outcomes", {"outcomes": []}),
    ]
    with raw(server.process.address) as connection:
        for path, data in sent:
            body = json.dumps(data).encode()
            plain = connection.ask(http("POST", path, body, JSON, token))
            packed = connection.ask(http("POST", path, gzip.compress(body), JSON, token, "Content-Encoding: gzip"))
            assert (packed.status, plain.status) == (200, 200), packed
            ids = re.compile(rb'"id":"[^"]*",')
            assert ids.sub(b"", packed.body) == ids.sub(b"", plain.body)
            for wrong, status in ((b"{}", 400), (gzip.compress(body)[:-5], 400)):
                told = connection.ask(http("POST", path, wrong, JSON, token, "Content-Encoding: gzip"))
                assert told.status == status
            told = connection.ask(http("POST", path, body, JSON, token, "Content-Encoding: br"))
            assert (told.status, told.headers["accept-encoding"]) == (415, "gzip")


def test_a_compressed_body_may_not_be_larger_than_a_plain_one(copy_project: Callable[..., Project]) -> None:
    project = load_project(copy_project().root, flags=["serving.max_body_bytes=100000"])
    with serving(project) as server, raw(server.process.address) as connection:
        bomb = gzip.compress(b" " * 20_000_000)
        for path in ("/v1/predict", "/invocations", "/v2/models/parcels/infer"):
            assert connection.ask(http("POST", path, bomb, JSON, "Content-Encoding: gzip")).status == 413
        most = gzip.compress(BODY + b" " * (100_000 - len(BODY)))
        assert connection.ask(http("POST", "/v1/predict", most, JSON, "Content-Encoding: gzip")).status == 200
