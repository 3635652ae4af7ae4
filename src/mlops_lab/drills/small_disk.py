"""A server on a small disk: a file system in memory, which only that process and its children see."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.project import Project
from mlops_lab.serving.process.address import Address

_SPARE_BYTES = 16 * 1024 * 1024
_LEFT_BYTES = 16 * 1024
_BLOCK = b"\0" * 4096
_SCRIPT = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && cp -a "$3/." "$2" && shift 3 && exec "$@"'
"""Mount, copy the project there, and become the server."""


@contextmanager
def serve_on_small_disk(project: Project) -> Iterator[tuple[Address, Path]]:
    """The address of a server of a copy of the project on a small disk, and the disk's folder as this process sees it.

    EnvironmentFault where this machine does not allow to mount one.
    """
    mount = project.root.with_name(f"{project.root.name}-disk")
    mount.mkdir()
    size = sum(path.stat().st_size for path in project.root.rglob("*") if path.is_file()) + _SPARE_BYTES
    server = [sys.executable, "-m", "mlops_lab.serving", str(mount), "--port", "0", *project.layers.as_options()]
    own_mounts = ["unshare", "--mount", "--map-root-user", "--propagation", "private"]
    command = [*own_mounts, "sh", "-c", _SCRIPT, "sh", str(size), str(mount), str(project.root), *server]
    log = project.root.with_name(f"{project.root.name}-disk.log")
    try:
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [*command, "--stop-with-parent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
    except OSError as error:
        raise _no_disk(error.strerror or str(error)) from error
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise _no_disk(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1])
        ready = json.loads(line)
        port = int(ready["ready"].rsplit(":", 1)[1])
        yield Address(process.pid, "127.0.0.1", port), Path(f"/proc/{process.pid}/root{mount}")
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def fill(disk: Path) -> Path:
    """Take nearly all space of the disk; the file that holds it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(_BLOCK)
        except OSError:  # the disk is full
            file.truncate(max(0, file.tell() - _LEFT_BYTES))
    return ballast


def _no_disk(reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"no small disk can be made: {reason}",
        code="no_small_disk",
        where="full-disk",
        hint="run it as root, or where users may make mount namespaces (`unshare --mount --map-root-user true`)",
    )
