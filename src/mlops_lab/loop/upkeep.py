"""The tables are kept small, at the end of a tick: what each append leaves behind would be a file a minute for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.run import send_once_a_day
from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake.digests import merge_digests
from mlops_lab.intake.journal import ingest_lock
from mlops_lab.lake import Lake
from mlops_lab.lake.leases import leased_files
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import keep_small
from mlops_lab.loop.erasures import finish_erasures
from mlops_lab.loop.needed_versions import NeededVersions, find_needed
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision
from mlops_lab.tables.declared import LOG_DIGESTS


def keep_tables_small(
    project: Project,
    lake: Lake,
    decisions: Sequence[Decision],
    *,
    now: datetime,
    retention: Retention | None = None,
) -> None:
    """Put small files and digests of each table together, and delete what nobody needs any more. Nearly always nothing
    is due, which takes a few milliseconds.

    Table versions that registered versions or legal holds need stay readable. Nothing is moved into the lake meanwhile.
    A table that cannot be read stays as it is, and an alert says so, once a day.
    """
    retention = retention or Retention()

    @cache
    def needed() -> NeededVersions:
        return find_needed(project, lake, decisions)

    def pinned(name: str) -> set[int]:
        return needed().of(name)

    with ingest_lock(project, lake):
        finish_erasures(project, lake, now=now)
        lake.commits.prune(partial(leased_files, lake.path))
        for name in lake.tables():
            try:
                if name == LOG_DIGESTS.name:
                    merge_digests(lake, settled_after=retention.files)
                keep_small(lake, name, pinned=partial(pinned, name), retention=retention)
            except EnvironmentFault as error:
                what = f"{name}: its files are not put together any more, and it gets slower: {error.what}"
                alert = Alert(now, "log", what, error.where or f"table {name}", error.hint or "check the disk")
                send_once_a_day(project, lake, alert, about=f"upkeep {name}")
