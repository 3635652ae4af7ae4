"""Which versions of tables must stay readable, and for whom: registered models, and legal holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from mlops_lab.lake import Lake
from mlops_lab.loop.holds import read_holds
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE
from mlops_lab.rollout.decisions import Decision

_PACKAGES = f"*/artifacts/model/{LINEAGE_FILE}"
"""Below MLflow's artifacts, or below the packages of a tracking server: where those of all registered versions are."""


class TableVersion(NamedTuple):
    """A table at a version."""

    table: str
    version: int

    def __str__(self) -> str:
        return f"{self.table}@{self.version}"


class _Snapshot(msgspec.Struct, frozen=True):
    table: str
    version: int


class _Lineage(msgspec.Struct, frozen=True):
    snapshots: tuple[_Snapshot, ...] = ()


class NeededVersions(NamedTuple):
    """Who needs each table version (`version 3`, `hold 3f2a9c`); and the packages that cannot say what they need."""

    needed: dict[TableVersion, list[str]]
    unknown: list[Path]

    def of(self, table: str) -> set[int]:
        """The versions of a table that are needed."""
        return {item.version for item in self.needed if item.table == table}


def find_needed(project: Project, lake: Lake, decisions: Sequence[Decision]) -> NeededVersions:
    """The table versions that registered versions were trained on, as far as their packages are there, and those that
    legal holds name."""
    found = trained_on(project, decisions)
    for hold in read_holds(lake):
        found.needed.setdefault(TableVersion(hold.table, hold.version), []).append(f"hold {hold.hold}")
    return found


def trained_on(project: Project, decisions: Sequence[Decision]) -> NeededVersions:
    """The table versions that registered versions were trained on; also of a version whose registration was
    interrupted before anything was decided about it."""
    named = {
        project.root / decision.evidence["package"]: f"version {decision.version}"
        for decision in decisions
        if "package" in decision.evidence
    }
    folders = (project.mlflow_path / "artifacts", project.packages_path)
    unnamed = {path.parent: "a version without a decision" for folder in folders for path in folder.glob(_PACKAGES)}
    found = NeededVersions({}, [])
    for package, name in {**unnamed, **named}.items():
        try:
            lineage = msgspec.json.decode((package / LINEAGE_FILE).read_bytes(), type=_Lineage)
        except (OSError, msgspec.MsgspecError):
            found.unknown.append(package)
            continue
        for snapshot in lineage.snapshots:
            found.needed.setdefault(TableVersion(snapshot.table, snapshot.version), []).append(name)
    return found
