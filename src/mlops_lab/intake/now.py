"""What "now" is for a project."""

from __future__ import annotations

from datetime import datetime, timedelta

from mlops_lab import clock
from mlops_lab.intake.data_size import data_stamps
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import DECISIONS
from mlops_lab.tables.newest import trusted_newest


def current_moment(project: Project, lake: Lake) -> datetime:
    """The machine's time; or, with `clock = "data"`, just after the newest moment in the tables (`tables.newest`).

    For the latter the journal is moved into the lake first; where the lake is empty, the data files are loaded.
    """
    load_first(project, lake)
    return stored_moment(project, lake) or current_moment(project, lake)


def load_first(project: Project, lake: Lake) -> list[object] | None:
    """Load the data files where nothing else tells what "now" is: the stamps of the files then, as far as they have
    any (`data_stamps`); else None."""
    if project.settings.project.clock == "data":
        ingest_journal(project, lake)
    if stored_moment(project, lake) is not None:
        return None
    stamps = data_stamps(project)
    load_sources(project, lake, now=clock.EPOCH, received_at=clock.EPOCH)  # a first load: known when it was known
    return stamps


def stored_moment(project: Project, lake: Lake) -> datetime | None:
    """The same as far as the lake knows, which is not changed; None with `clock = "data"` where the lake is empty."""
    if project.settings.project.clock == "wall":
        return clock.now()
    newest = trusted_newest(project, lake) or _last_decision(lake)
    return newest and newest + timedelta(seconds=1)


def _last_decision(lake: Lake) -> datetime | None:
    """When something was decided last. The data is then loaded by who trains, once it is sure that it fits."""
    moment = DECISIONS.read(lake, columns=["at"])["at"].max() if DECISIONS.exists(lake) else None
    return moment if isinstance(moment, datetime) else None
