"""Serves the page on the loopback, in a process of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mlops_lab.errors import InvalidInput
from mlops_lab.extras import needs_extra
from mlops_lab.project import Project
from mlops_lab.serving.process.address import listen

HOST = "127.0.0.1"
PORT = 8330
_STOP_SECONDS = 1


@dataclass(frozen=True)
class Page:
    """A page that listens; `serve` answers until it is interrupted."""

    url: str
    projects: Sequence[Project]
    listener: socket.socket

    def serve(self) -> None:
        """Answer until Ctrl-C or SIGTERM."""
        import uvicorn

        from mlops_lab.web.app import make_app

        threading.Thread(target=_warm_up, args=(self.projects,), daemon=True).start()
        config = uvicorn.Config(
            make_app(self.projects, host=HOST),
            log_level="error",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        asyncio.run(uvicorn.Server(config).serve(sockets=[self.listener]))


def _warm_up(projects: Sequence[Project]) -> None:
    """Load what the first view would wait for: the program that draws, and the status of each project."""
    from mlops_lab.charts.drawing import draw
    from mlops_lab.web.status import prepare_status

    draw({"data": {"values": []}, "mark": "point"}, label="")
    for project in projects:
        prepare_status(project)


@contextmanager
def open_page(projects: Sequence[Project], *, port: int = PORT) -> Iterator[Page]:
    """The page of these projects, on a port of the loopback; 0 takes a free one.

    EnvironmentFault where the port is taken, or where what draws the page is not installed; InvalidInput where two
    projects have folders of one name.
    """
    with needs_extra("page", "the page"):
        import jinja2  # noqa: F401
        import markdown_it  # noqa: F401
        import starlette  # noqa: F401
        import vl_convert  # noqa: F401
    names = [project.root.name for project in projects]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(
            f'two of the projects have a folder named "{twice}"',
            code="same_name",
            where="FOLDERS",
            hint="the page tells projects apart by their folders: name each once, or rename one",
        )
    with listen(HOST, port) as listener:
        listener.listen()  # who asks before the application is imported waits
        yield Page(f"http://{HOST}:{listener.getsockname()[1]}/", projects, listener)
