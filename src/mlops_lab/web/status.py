"""The status of a project, kept for some seconds: several open pages ask for it, each at every change."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mlops_lab.alerts.states import AlertState
from mlops_lab.errors import MlopsError
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.status.describe import describe
from mlops_lab.status.records import ProjectStatus
from mlops_lab.status.rollout_groups import RolloutGroup, list_groups
from mlops_lab.status.wording import format_count
from mlops_lab.web.live import state_of

KEEP_SECONDS = 5.0


class _Kept(NamedTuple):
    state: dict[str, int]
    until: float
    status: ProjectStatus


_kept: dict[Path, _Kept] = {}
_kept_groups: dict[Path, tuple[dict[str, int], list[RolloutGroup]]] = {}


def status_of(project: Project) -> ProjectStatus:
    """The status as far as the lake knows it. It is made again when the project has changed, and after some seconds:
    what a server says, and the time, are in no table."""
    state, now = state_of(project), time.monotonic()
    kept = _kept.get(project.root)
    if kept is None or kept.state != state or kept.until < now:
        kept = _kept[project.root] = _Kept(state, now + KEEP_SECONDS, describe(project, takes_in=False))
    return kept.status


def groups_of(project: Project) -> list[RolloutGroup]:
    """What the rollout shows in groups of requests, made again when the project has changed: it reads every outcome
    since the rollout began."""
    state = state_of(project)
    kept = _kept_groups.get(project.root)
    if kept is None or kept[0] != state:
        kept = _kept_groups[project.root] = (state, list_groups(Loop(project)))
    return kept[1]


def prepare_status(project: Project) -> None:
    """Make the status before it is asked for. What is wrong with the project, its view says."""
    with suppress(MlopsError):
        status_of(project)


def troubles_of(status: ProjectStatus) -> list[str]:
    """Why not all is fine, in a few words each."""
    troubles = []
    if open_alerts := status.alerts.get(AlertState.OPEN, 0):
        troubles.append(format_count(open_alerts, "open alert"))
    if status.champion is None:
        troubles.append("no version is live")
    elif status.server is None:
        troubles.append("the server is not running")
    if status.following and status.following.lagging:
        troubles.append("a server answers by older decisions")
    if status.failing_channels:
        troubles.append("a channel of alerts fails")
    return troubles


def summarise(project: Project) -> tuple[str, list[str]]:
    """What answers, and why not all is fine. What is wrong with a project is one of its troubles."""
    try:
        status = status_of(project)
    except MlopsError as error:
        return "its state cannot be read", [str(error)]
    champion = "no version answers" if status.champion is None else f"version {status.champion} answers"
    return champion, troubles_of(status)
