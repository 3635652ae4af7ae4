"""The status of a project, kept for some seconds: several open pages ask for it, each at every change."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mlops_lab.errors import MlopsError
from mlops_lab.project import Project
from mlops_lab.status.describe import describe
from mlops_lab.status.records import ProjectStatus
from mlops_lab.web.live import state_of

KEEP_SECONDS = 5.0


class _Kept(NamedTuple):
    state: dict[str, int]
    until: float
    status: ProjectStatus


_kept: dict[Path, _Kept] = {}


def status_of(project: Project) -> ProjectStatus:
    """The status as far as the lake knows it. It is made again when the project has changed, and after some seconds:
    what a server says, and the time, are in no table."""
    state, now = state_of(project), time.monotonic()
    kept = _kept.get(project.root)
    if kept is None or kept.state != state or kept.until < now:
        kept = _kept[project.root] = _Kept(state, now + KEEP_SECONDS, describe(project, takes_in=False))
    return kept.status


def prepare_status(project: Project) -> None:
    """Make the status before it is asked for. What is wrong with the project, its view says."""
    with suppress(MlopsError):
        status_of(project)
