"""`mlops up`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.shared import HERE, Folder, Json, open_project
from mlops_lab.cli.watchers import JsonLines, TextLines
from mlops_lab.clock import parse_duration
from mlops_lab.errors import EnvironmentFault, InvalidInput, Refused
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.runtime.up import Up, exclusive_run
from mlops_lab.web.page_process import page_process
from mlops_lab.web.serve import PORT


def command(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = None,
    every: Annotated[str | None, typer.Option(help="The time between ticks, such as 30s, 1m or 1h.")] = None,
    page: Annotated[bool, typer.Option(help="Show the page of the project, too.")] = True,
    page_port: Annotated[int, typer.Option(min=0, max=65535, help="Its port; 0 takes a free one.")] = PORT,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Train a first version if none is live; then run server, loop and page until stopped."""
    opened = open_project(project)
    try:
        length = parse_duration(every or opened.settings.triggers.tick_every)
    except InvalidInput as error:
        error.where = "--every"
        raise
    wanted = opened.settings.serving.port if port is None else port
    with (
        exclusive_run(opened, port=wanted) as role,
        _stoppable() as stop,
        (JsonLines if json else TextLines)(opened) as watcher,
        _page(opened, watcher, port=page_port if page else None),
    ):
        up = Up(opened, port=wanted, watcher=watcher, role=role)
        first = up.train_first()
        if first is not None:
            watcher.decision_made(first)
        if first is None or first.what is not DecisionKind.REFUSE:
            watcher.stopped(up.run_until(stop, every=length))
            return
        reasons = "; ".join(dict.fromkeys(up.refusal_reasons(first)))
    refuse(
        Refused(
            f"the first version did not pass its gates: {reasons}",
            code="refused",
            hint="change the data, pipeline.py or the limits in [gates] of mlops.toml, and run it again",
        )
    )


@contextmanager
def _page(project: Project, watcher: JsonLines | TextLines, *, port: int | None) -> Iterator[None]:
    """The page beside server and loop, which need it not: where it does not start, that is told."""
    with ExitStack() as stack:
        try:
            if port is not None:
                watcher.page_ready(stack.enter_context(page_process(project, port=port)))
        except EnvironmentFault as error:
            watcher.failed(error)
        yield


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM set the event and interrupt the work, also if a shell started this process with `&`."""
    stop = threading.Event()

    def end(*_: object) -> None:
        stop.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
