"""`mlops serve`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project
from mlops_lab.errors import InvalidInput
from mlops_lab.intake.journal import ingest_if_reachable, recover_journals
from mlops_lab.loop.tick import Loop
from mlops_lab.project.owners import Role, take_role
from mlops_lab.serving.answering.online_store import open_online_store
from mlops_lab.serving.process.address import check_no_server, listen
from mlops_lab.serving.process.tls import find_tls


def command(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="The number of processes that answer.")] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Prepare the state that a server starts from, then become the server."""
    del json  # one JSON line with the address is printed in both cases
    opened = open_project(project)
    check_no_server(opened)
    with take_role(opened, Role.SERVER) as role:  # kept by the process that takes the place of this one
        loop = Loop(opened)
        if loop.state.champion is None:
            raise InvalidInput(
                "no version is live yet",
                code="nothing_live",
                hint="run `mlops run` first, or `mlops up`, which does both",
            )
        settings = opened.settings.serving
        listen(
            settings.host, settings.port if port is None else port
        ).close()  # a taken port is an error before the work
        find_tls(opened)  # so is an unusable certificate
        open_online_store(opened, [])  # and a store that does not answer
        recover_journals(opened)
        ingest_if_reachable(opened, loop.lake)
        loop.check_schema()
        loop.act(new_state=True)
        console.print(f"version {loop.state.champion} answers; Ctrl-C stops it")
        arguments = [sys.executable, "-m", "mlops_lab.serving", str(opened.root)]
        arguments += ["--port", str(port)] if port is not None else []
        arguments += ["--workers", str(workers)] if workers is not None else []
        arguments += opened.layers.as_options()
        arguments += ["--lock", str(role.file)]
        os.set_inheritable(role.file, True)
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        os.execv(sys.executable, arguments)  # the server process keeps nothing of this one
