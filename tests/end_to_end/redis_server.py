"""A redis-server of this process's own, on a free port."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import time
from functools import cache

import pytest
import redis


def start_redis(port: int | None = None) -> tuple[subprocess.Popen[bytes], str]:
    """A server that keeps nothing on disk, and its URL; skips where the program is not there."""
    program = shutil.which("redis-server")
    if program is None:
        assert not os.environ.get("CI"), "CI lacks redis-server"
        pytest.skip("needs redis-server (Debian: apt install redis-server)")
    if port is None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    atexit.register(server.kill)
    url = f"redis://127.0.0.1:{port}/0"
    for _ in range(200):
        try:
            redis.Redis.from_url(url).ping()
            return server, url
        except redis.ConnectionError:
            time.sleep(0.05)
    raise AssertionError("redis-server does not start")


@cache
def redis_url() -> str:
    """The one that the tests of this process share."""
    return start_redis()[1]
