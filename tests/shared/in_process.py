"""The application of a server in this process: without a network, and without a command that prepared its project."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from mlops_lab.project import load_project
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable, write_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.authorizer import Authorizer
from mlops_lab.serving.http.tokens import create_token
from mlops_lab.serving.process.app import App
from mlops_lab.serving.protocols.base import MakeProtocol
from mlops_lab.serving.protocols.registered import PROTOCOLS


class InProcessServer:
    """An application that is asked directly. `operate` and `predict` are tokens of these roles."""

    def __init__(self, app: App, service: Service, *, operate: str, predict: str) -> None:
        self.app = app
        self.service = service
        self.operate, self.predict = operate, predict
        self._runner = asyncio.Runner()

    def send(
        self, method: str, path: str, body: bytes = b"", *, token: str = "", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The response to one request."""
        authorization = {"authorization": f"Bearer {token}"} if token else {}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, content=body, headers={**authorization, **(headers or {})})

        return self._runner.run(send())

    def describe(self) -> dict[str, Any]:
        """The OpenAPI document."""
        document: dict[str, Any] = self.send("GET", "/openapi.json").json()
        return document

    def close(self) -> None:
        """Let go of the files."""
        self.app._committer.close()
        self.service.close()
        self._runner.close()


@contextmanager
def in_process_server(
    project: Path,
    package: Path,
    fingerprint: str,
    folder: Path,
    *,
    flags: Sequence[str] = (),
    protocols: Sequence[MakeProtocol] = PROTOCOLS,
) -> Iterator[InProcessServer]:
    """A server of a copy of the project in `folder`, with this package as its only version and nothing known before."""
    shutil.copytree(project, folder, dirs_exist_ok=True)
    (folder / "state" / "book").mkdir(parents=True)
    copied = load_project(folder, flags=list(flags))
    champion = LiveVersion(version=1, package=str(package.relative_to(project)), fingerprint=fingerprint)
    copied.home.mkdir(exist_ok=True)
    copied.workers_path.mkdir(exist_ok=True)
    write_routing_table(copied.deployment_path, RoutingTable(generation=1, champion=champion, state="state"))
    _, operate = create_token(copied, "operate")
    _, predict = create_token(copied, "predict")
    service = Service(copied, RoutingTable(generation=1, champion=champion, state="state"))
    app = App(service, authorizer=Authorizer(copied), protocols=protocols)
    server = InProcessServer(app, service, operate=operate, predict=predict)
    try:
        yield server
    finally:
        server.close()
