"""The figures of a server, read over a real connection; whatever it answers instead, the probe says None."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlops_lab.serving.process.address import Address
from mlops_lab.serving.process.health_probe import HealthProbe, probe_server

METRICS = b"""# HELP mlops_predictions_total Rows that were answered.
mlops_predictions_total{version="1",role="champion",worker="0"} 7
mlops_predictions_total{version="2",role="canary",worker="1"} 35
mlops_requests_total{route="/v1/predict",status="200",worker="0"} 9
"""


@contextmanager
def answering(pages: Mapping[str, bytes]) -> Iterator[Address]:
    """A small server with these pages; without one of them, it answers 404."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield Address(1, "127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def test_answers_of_all_workers_and_versions_are_added() -> None:
    with answering({"/metrics": METRICS, "/v1/status": b'{"pending": 3, "more": 1}'}) as address:
        assert probe_server(address) == HealthProbe(answers=42, pending=3)


def test_a_server_that_has_not_answered_yet_has_no_answers() -> None:
    with answering({"/metrics": b"", "/v1/status": b'{"pending": 0}'}) as address:
        assert probe_server(address) == HealthProbe(answers=0, pending=0)


@pytest.mark.parametrize("status", [None, b"", b"no JSON", b"{}", b"[]", b'{"pending": "many"}'])
def test_a_status_that_is_not_there_or_another_one_is_none(status: bytes | None) -> None:
    with answering({"/metrics": METRICS, **({} if status is None else {"/v1/status": status})}) as address:
        assert probe_server(address) is None


def test_a_server_that_does_not_answer_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(1, "127.0.0.1", listener.getsockname()[1])
        assert probe_server(address, timeout_seconds=0.05) is None
    assert probe_server(address) is None
