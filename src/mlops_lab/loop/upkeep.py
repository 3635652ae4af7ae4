"""The tables are kept small, at the end of a tick: what each append leaves behind would be a file a minute for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial

import msgspec

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.run import send_once_a_day
from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake.digests import merge_digests
from mlops_lab.intake.journal import ingest_lock
from mlops_lab.lake import Lake
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import keep_small
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE
from mlops_lab.rollout.decisions import Decision
from mlops_lab.tables.declared import LOG_DIGESTS


class _Snapshot(msgspec.Struct, frozen=True):
    table: str
    version: int


class _Lineage(msgspec.Struct, frozen=True):
    snapshots: tuple[_Snapshot, ...] = ()


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

    Table versions that registered versions were trained on stay readable. Nothing is moved into the lake meanwhile. A
    table that cannot be read stays as it is, and an alert says so, once a day.
    """
    retention = retention or Retention()

    @cache
    def snapshots() -> set[_Snapshot]:
        return trained_on(project, decisions)

    def pinned(name: str) -> set[int]:
        return {item.version for item in snapshots() if item.table == name}

    with ingest_lock(project):
        for name in lake.tables():
            try:
                if name == LOG_DIGESTS.name:
                    merge_digests(lake, settled_after=retention.files)
                keep_small(lake, name, pinned=partial(pinned, name), retention=retention)
            except EnvironmentFault as error:
                what = f"{name}: its files are not put together any more, and it gets slower: {error.what}"
                alert = Alert(now, "log", what, error.where or f"table {name}", error.hint or "check the disk")
                send_once_a_day(project, lake, alert, about=f"upkeep {name}")


def trained_on(project: Project, decisions: Sequence[Decision]) -> set[_Snapshot]:
    """The table versions that registered versions were trained on, as far as their packages are there."""
    found: set[_Snapshot] = set()
    for package in {decision.evidence["package"] for decision in decisions if "package" in decision.evidence}:
        path = project.root / package / LINEAGE_FILE
        if path.exists():
            found |= {*msgspec.json.decode(path.read_bytes(), type=_Lineage).snapshots}
    return found
