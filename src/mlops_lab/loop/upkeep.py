"""The tables are kept small, at the end of a tick: what each append leaves behind would be a file a minute for ever."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec

from mlops_lab.intake.digests import merge_digests
from mlops_lab.intake.journal import ingest_lock
from mlops_lab.lake import Lake
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import keep_small
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE
from mlops_lab.rollout.decisions import Decision


class _Snapshot(msgspec.Struct, frozen=True):
    table: str
    version: int


class _Lineage(msgspec.Struct, frozen=True):
    snapshots: tuple[_Snapshot, ...] = ()


def keep_tables_small(
    project: Project, lake: Lake, decisions: Sequence[Decision], *, retention: Retention | None = None
) -> None:
    """Put small files and digests of each table together, and delete what nobody needs any more. Nearly always nothing
    is due, which takes a few milliseconds.

    Table versions that registered versions were trained on stay readable. Nothing is moved into the lake meanwhile.
    """
    retention = retention or Retention()

    @cache
    def snapshots() -> set[_Snapshot]:
        return trained_on(project, decisions)

    with ingest_lock(project):
        merge_digests(lake, settled_after=retention.files)
        for name in lake.tables():
            keep_small(
                lake,
                name,
                pinned=lambda name=name: {item.version for item in snapshots() if item.table == name},  # type: ignore[misc]
                retention=retention,
            )


def trained_on(project: Project, decisions: Sequence[Decision]) -> set[_Snapshot]:
    """The table versions that registered versions were trained on, as far as their packages are there."""
    found: set[_Snapshot] = set()
    for package in {decision.evidence["package"] for decision in decisions if "package" in decision.evidence}:
        path = project.root / package / LINEAGE_FILE
        if path.exists():
            found |= {*msgspec.json.decode(path.read_bytes(), type=_Lineage).snapshots}
    return found
