"""A webhook on the loopback interface: what alerts are sent to in tests; and skipping where apprise is missing."""

from __future__ import annotations

import importlib.util
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Webhook:
    """The address (`127.0.0.1:PORT`), the JSON bodies that were received, and how it answers."""

    def __init__(self) -> None:
        self.address = ""
        self.received: list[Any] = []
        self.status = 200
        self.answers = threading.Event()
        """Not set: a request gets no answer until it is."""
        self.has_received = threading.Event()
        self.answers.set()


@contextmanager
def open_webhook() -> Iterator[Webhook]:
    """A webhook, until the block ends."""
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.received.append(json.loads(body))
            webhook.has_received.set()
            webhook.answers.wait(60)
            self.send_response(webhook.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    webhook.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield webhook
    finally:
        webhook.answers.set()
        server.shutdown()
        server.server_close()


def skip_without(what: str, *, is_there: bool, install: str) -> None:
    """Skip the test where something is not installed; fail it in CI."""
    if not is_there:
        reason = f"{what} is not installed: {install}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)


def skip_without_apprise() -> None:
    """Skip the test where apprise is not installed."""
    is_there = importlib.util.find_spec("apprise") is not None
    skip_without("apprise", is_there=is_there, install="pip install 'mlops-lab[alerts]'")
