"""Tells open pages that something changed: server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from os import scandir
from pathlib import Path

from starlette.requests import Request
from starlette.responses import StreamingResponse

from mlops_lab.project import Project
from mlops_lab.serving.process.address import address_path
from mlops_lab.tables.declared import ALERT_EVENTS, ALERTS, DECISIONS, MEASUREMENTS, OUTCOMES, PREDICTIONS

POLL_SECONDS = 1.0
_WATCHED = (DECISIONS, MEASUREMENTS, ALERTS, ALERT_EVENTS, PREDICTIONS, OUTCOMES)


def live(project: Project, request: Request, *, prepare: Callable[[Project], None]) -> StreamingResponse:
    """A stream of events: the first one at once, and another whenever the project changed. `prepare` makes what open
    pages ask for next, before they are told."""
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(_events(project, request, prepare), media_type="text/event-stream", headers=headers)


async def _events(project: Project, request: Request, prepare: Callable[[Project], None]) -> AsyncIterator[str]:
    before = None
    while not await request.is_disconnected():
        now = await asyncio.to_thread(state_of, project)
        if now != before:
            if before is not None:
                await asyncio.to_thread(prepare, project)
            yield f"data: {json.dumps(now)}\n\n"
            before = now
        else:
            yield ": \n\n"  # else nobody would see that the connection is gone
        await asyncio.sleep(POLL_SECONDS)


def state_of(project: Project) -> dict[str, int]:
    """What the page shows depends on: how many commits each table has, and when the server started."""
    folders = {table.name: project.lake_path / table.name / "_delta_log" for table in _WATCHED}
    state = {name: _newest_entry(folder) for name, folder in folders.items()}
    try:
        state["server"] = address_path(project).stat().st_mtime_ns
    except OSError:
        state["server"] = 0
    return state


def _newest_entry(folder: Path) -> int:
    """The number of the newest commit; -1 where there is none."""
    try:
        with scandir(folder) as entries:
            return max((int(entry.name[:20]) for entry in entries if entry.name[:20].isdigit()), default=-1)
    except OSError:
        return -1
