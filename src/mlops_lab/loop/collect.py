"""All that can be done about the tables at once: small files put together, checkpoints, and what nobody needs deleted.

The loop does the same bit by bit (`loop.upkeep`). Only this lets go of table versions that nobody needs any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake.digests import merge_digests
from mlops_lab.intake.journal import ingest_lock
from mlops_lab.lake import Lake
from mlops_lab.lake.history import read_history
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import Waste, collect, measure_waste
from mlops_lab.loop.erasures import finish_erasures
from mlops_lab.loop.needed_versions import NeededVersions, find_needed
from mlops_lab.project import Project
from mlops_lab.project.owners import Role, take_role
from mlops_lab.rollout.decisions import Decision
from mlops_lab.tables.declared import LOG_DIGESTS

_WAIT_SECONDS = 10.0


class Garbage(NamedTuple):
    """What each table has that can go, or why that cannot be told; and who needs which table versions."""

    tables: dict[str, Waste | EnvironmentFault]
    needed: NeededVersions


def find_garbage(
    project: Project, lake: Lake, decisions: Sequence[Decision], *, retention: Retention | None = None
) -> Garbage:
    """What `collect_garbage` would do; nothing is changed."""
    needed = find_needed(project, lake, decisions)
    tables: dict[str, Waste | EnvironmentFault] = {}
    for name in lake.tables():
        try:
            tables[name] = measure_waste(lake, name, needed=_kept(lake, name, needed), retention=retention)
        except EnvironmentFault as error:
            tables[name] = error
    return Garbage(tables, needed)


def collect_garbage(
    project: Project, lake: Lake, decisions: Sequence[Decision], *, retention: Retention | None = None
) -> Garbage:
    """Do it; what was found before. A table that cannot be read stays as it is. Servers may answer meanwhile; Refused
    where a loop is at work for longer than some seconds: a training, for example."""
    shared = lake.commits.shared_lock("loop", wait_seconds=_WAIT_SECONDS)
    with take_role(project, Role.LOOP, wait_seconds=_WAIT_SECONDS, is_brief=True), shared, ingest_lock(project, lake):
        finish_erasures(project, lake, now=clock.now())
        found = find_garbage(project, lake, decisions, retention=retention)
        for name, waste in found.tables.items():
            if isinstance(waste, EnvironmentFault):
                continue
            if name == LOG_DIGESTS.name:
                merge_digests(lake, settled_after=(retention or Retention()).files)
            try:
                collect(lake, name, needed=_kept(lake, name, found.needed), retention=retention)
            except EnvironmentFault as error:
                found.tables[name] = error
    return found


def _kept(lake: Lake, name: str, needed: NeededVersions) -> set[int]:
    """The versions of a table that stay readable: where a package cannot say what it needs, all that did so far."""
    return needed.of(name) | ({*read_history(lake.table_path(name)).pinned} if needed.unknown else set())
