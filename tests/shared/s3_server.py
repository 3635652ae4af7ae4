"""An object store on loopback: moto's S3 in a process of its own, which answers one request at a time.

    python s3_server.py        prints its port, and serves until it is ended

One at a time, because moto looks whether an object is there and writes it in two steps: S3 does it in one. A file
`FAULT` beside it, named by the first argument, makes it refuse (`503`), forbid (`403`) or answer late (`slow`).
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.lake import Lake
from mlops_lab.lake.commits import StoredCommits
from mlops_lab.lake.mirror import Mirror
from mlops_lab.lake.object_store import ObjectStore

BUCKET = "lake"
SLOW_SECONDS = 0.4


class S3Server:
    """The running store: its environment variables for a client, and what is wrong with it."""

    def __init__(self, port: int, fault: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._fault = fault

    @property
    def variables(self) -> dict[str, str]:
        """What a client of it has in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "s3cr3t",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have this process use it."""
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)

    def fail(self, how: str) -> None:
        """Fail from now on: `503`, `403` or `slow`; nothing: answer as it should."""
        self._fault.write_text(how)


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """A store with a bucket."""
    fault = folder / "fault"
    command = [sys.executable, __file__, str(fault)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        server = S3Server(int(process.stdout.readline()), fault)
        _make_bucket(server)
        yield server
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A store, one for all tests of a worker."""
    with s3_server(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture
def stored_uri(s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """An address of the test's own in the store, which answers as it should at its begin and after it."""
    s3.use(monkeypatch)
    yield f"s3://{BUCKET}/{tmp_path.name}"
    s3.fail("")


def open_stored(uri: str, folder: Path | str) -> Lake:
    """The lake at an address of a store, with its copy in a folder."""
    mirror = Mirror(ObjectStore(uri), Path(folder, "lake"))
    mirror.begin()
    mirror.fetch_all()
    return Lake(Path(folder, "lake"), commits=StoredCommits(mirror))


def _make_bucket(server: S3Server) -> None:
    import urllib.request

    request = urllib.request.Request(f"{server.endpoint}/{BUCKET}", method="PUT")
    urllib.request.urlopen(request, timeout=30).close()


def main() -> None:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application, fault = DomainDispatcherApplication(create_backend_app), Path(sys.argv[1])

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        how = fault.read_text() if fault.exists() else ""
        if how == "slow":
            time.sleep(SLOW_SECONDS)
        elif how:
            start_response(f"{how} Fault", [("Content-Length", "0")])
            return [b""]
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    server = make_server("127.0.0.1", 0, serve, threaded=False)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    _end_with_parent()
    server.serve_forever()


def _end_with_parent() -> None:
    """End when the test that started this process has ended, in whatever way: its end of stdin is closed then."""
    import threading

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
