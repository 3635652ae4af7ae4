"""The serving process: `python -m mlops_lab.serving PROJECT [--port N] [--set KEY=VALUE] [--stop-with-parent]`.

Started by `mlops serve`, which prepares the state first. Prints one line when it is ready to answer.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import uvicorn

from mlops_lab.errors import MlopsError
from mlops_lab.project import Project, load_project
from mlops_lab.serving.address import Address, address_path, listen
from mlops_lab.serving.app import App
from mlops_lab.serving.deployment import read_deployment, write_atomically
from mlops_lab.serving.service import Service
from mlops_lab.serving.token import ensure_token


class _Server(uvicorn.Server):
    """Announces itself when it listens, and stops when its parent is gone, if asked to."""

    def __init__(self, config: uvicorn.Config, *, project: Project, listener: socket.socket, with_parent: bool) -> None:
        super().__init__(config)
        self._project = project
        self._listener = listener
        self._with_parent = with_parent

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        host, port = self._listener.getsockname()[:2]
        address = Address(pid=os.getpid(), host=host, port=port)
        write_atomically(address_path(self._project), msgspec.json.encode(address))
        sys.stdout.write(json.dumps({"ready": f"http://{host}:{port}", "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        if self._with_parent:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._parent_spoke)

    def _parent_spoke(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):  # end of file: the parent's end of the pipe is closed
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.should_exit = True


def main() -> int:
    """Serve until stopped; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mlops_lab.serving")
    parser.add_argument("project", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--set", dest="flags", action="append", default=[])
    parser.add_argument("--stop-with-parent", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        project = load_project(options.project, flags=options.flags)
        settings = project.settings.serving
        listener = listen(settings.host, settings.port if options.port is None else options.port)
        service = Service(project, read_deployment(project.deployment_path))
        app = App(service, token=ensure_token(project))
    except MlopsError as error:
        sys.stderr.write(json.dumps({"error": error.as_dict(), "exit_code": error.exit_code}) + "\n")
        return error.exit_code
    gc.collect()
    gc.freeze()  # what was restored stays: looking through it again and again would cost a tenth of the time
    gc.set_threshold(50_000, 20, 100)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=3600,
        timeout_graceful_shutdown=10,
    )
    with suppress(KeyboardInterrupt):  # Ctrl-C has already ended it in good order
        _Server(config, project=project, listener=listener, with_parent=options.stop_with_parent).run([listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
