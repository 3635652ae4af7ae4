"""A PostgreSQL server of this process's own, on a free port."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

PASSWORD = "s3cr3t of the tests"


@cache
def postgres_uri() -> str:
    """The address of a fresh database, without the password; skips where the server's programs are not there."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = str(found[-1]) if found else shutil.which("initdb")
    if program is None:
        assert not os.environ.get("CI"), "CI lacks postgresql"
        pytest.skip("needs PostgreSQL (Debian: apt install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    (folder / "password").write_text(PASSWORD)
    as_other = _leave_root(folder)
    words = [
        "--auth=scram-sha-256",
        "--username=lab",
        f"--pwfile={folder / 'password'}",
        "--no-sync",
        "--encoding=UTF8",
    ]
    subprocess.run(
        [*as_other, program, "-D", str(folder / "data"), *words], check=True, capture_output=True, cwd=folder
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    postgres = str(Path(program).with_name("postgres"))
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"]
    server = subprocess.Popen(
        [*as_other, postgres, "-D", str(folder / "data"), *options], stderr=subprocess.DEVNULL, cwd=folder
    )
    atexit.register(_stop, server, folder)
    for _ in range(400):
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0 and (folder / "data/postmaster.pid").exists():
                return f"postgresql+psycopg://lab@127.0.0.1:{port}/postgres"
        time.sleep(0.05)
    raise AssertionError("PostgreSQL does not start")


def _leave_root(folder: Path) -> list[str]:
    """The words that run a program as somebody else, where this is root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "nobody")
    shutil.chown(folder / "password", "nobody")
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


def _stop(server: subprocess.Popen[bytes], folder: Path) -> None:
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
    shutil.rmtree(folder, ignore_errors=True)
