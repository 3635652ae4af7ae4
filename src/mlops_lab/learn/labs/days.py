"""Days of a project, played with its real server and its loop, while a lab is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from mlops_lab.clock import day_start
from mlops_lab.learn.labs.data.cases import Case, Request
from mlops_lab.loop.tick import Loop
from mlops_lab.project import load_project
from mlops_lab.replay.client import Client
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.serving.process.server_process import ServerProcess


def play_days(
    root: Path,
    cases: Iterable[Case],
    *,
    first: date,
    days: int,
    asked_since: date | None = None,
    make_request: Callable[[Case], Request] = lambda case: case.request,
) -> None:
    """Send the rows of some days to a server of the project, what becomes known on each, and tick after each.

    A row before `asked_since` (None: the first day) was not asked about; its outcome is not sent.
    """
    project = load_project(root)
    asked = [case for case in cases if (asked_since or first) <= case.at.date() < first + timedelta(days=days)]
    loop = Loop(project)
    with ServerProcess(project) as server:
        client = Client(server.address.local_host, server.address.port, token=ensure_token(project))
        try:
            for number in range(days):
                start, end = (day_start(first + timedelta(days=number + step), project.timezone) for step in (0, 1))
                _send_day(client, asked, start, end, make_request)
                loop.tick(end, by="loop")
        finally:
            client.close()


def _send_day(
    client: Client, cases: list[Case], start: datetime, end: datetime, make_request: Callable[[Case], Request]
) -> None:
    requests = [msgspec.json.encode(make_request(case)) for case in cases if start <= case.at < end]
    responses = [*client.send("/v1/predict", requests), *client.drain()]
    outcomes = [case.outcome for case in cases if start <= case.known_at < end]
    if outcomes:
        responses.append(client.call("POST", "/v1/outcomes", msgspec.json.encode({"outcomes": outcomes})))
    for status, body in responses:
        assert status == 200, body
