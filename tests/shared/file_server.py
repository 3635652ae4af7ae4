"""A server of one file on loopback, which says how it was asked, and fails as it is told to."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class FileServer:
    """What the server answers, and what it was asked: by status, in order."""

    content: bytes
    status: int = 200
    missing_bytes: int = 0
    redirect: str = ""
    delay_seconds: float = 0.0
    port: int = 0
    answered: list[int] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)


@contextmanager
def serve_file(content: bytes, *, certificate: Path | None = None) -> Iterator[FileServer]:
    """A running server; with a certificate (NAME.crt, and NAME.key beside it) over TLS."""
    state = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(state.delay_seconds)
            etag = f'"{hashlib.sha256(state.content).hexdigest()[:12]}"'
            is_known = self.headers["If-None-Match"] == etag
            status = 302 if state.redirect else state.status if state.status != 200 else 304 if is_known else 200
            state.answered.append(status)
            state.authorizations.append(self.headers["Authorization"])
            self.send_response(status)
            if state.redirect:
                self.send_header("Location", state.redirect)
            self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(state.content) if status == 200 else 0))
            self.end_headers()
            if status == 200:
                self.wfile.write(state.content[: len(state.content) - state.missing_bytes])

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
            server.socket = context.wrap_socket(server.socket, server_side=True)
        state.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield state
        finally:
            server.shutdown()
