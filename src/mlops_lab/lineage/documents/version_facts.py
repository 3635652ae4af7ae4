"""All facts that documents about a version are made of: from its package, the decisions and the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from mlops_lab.errors import EnvironmentFault
from mlops_lab.gates.base import GateVerdict
from mlops_lab.lake import Lake
from mlops_lab.lineage.documents.live_figures import LiveFigure, read_live_figures
from mlops_lab.lineage.documents.table_facts import TableFacts, read_table_facts
from mlops_lab.lineage.explain import explain_version
from mlops_lab.lineage.records import VersionOrigin
from mlops_lab.lineage.reproduce.record import read_environment
from mlops_lab.monitoring.profile import Profile
from mlops_lab.project import Project
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.package import (
    CODE_FOLDER,
    ENVIRONMENT_FILE,
    PROFILE_FILE,
    Plan,
)
from mlops_lab.registry.signing.package_files import PackageFiles
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision
from mlops_lab.rollout.versions import find_version, open_package_of
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.agreement import Agreement
from mlops_lab.training.environment import Environment

MLMODEL_FILE = "MLmodel"
_NOT_SHARED = (ENVIRONMENT_FILE, CODE_FOLDER)
"""Of a package only for `mlops reproduce`: they may name places on the machine."""


@dataclass(frozen=True)
class VersionFacts:
    """A version: what it is made of, how it was judged, and what was decided about it.

    `decided` is the decision that recorded it; `decisions` are all about it, this one among them. `license` is null
    where mlops.toml declares none. `files` has the files of its package that answers come from, by name, and `mlmodel`
    what its MLmodel says.
    """

    project: str
    license: str | None
    time: str
    label: str
    origin: VersionOrigin
    plan: Plan
    agreement: Agreement
    environment: Environment
    profiles: Mapping[str, Profile]
    tables: Sequence[TableFacts]
    live: Sequence[LiveFigure]
    decisions: Sequence[Decision]
    files: Mapping[str, bytes]
    mlmodel: Mapping[str, Any]

    @property
    def decided(self) -> Decision:
        """The decision that recorded the version."""
        return next(decision for decision in self.decisions if "package" in decision.evidence)

    @property
    def trained_at(self) -> datetime:
        """When it was trained."""
        return self.decided.at

    @property
    def title(self) -> str:
        """`shop, version 3`."""
        return f"{self.project}, version {self.origin.number}"

    @property
    def gates(self) -> list[GateVerdict]:
        """The verdicts of its gates."""
        return [GateVerdict(**verdict) for verdict in self.decided.evidence.get("gates", [])]

    @property
    def model_file(self) -> str:
        """The name of the file with the model."""
        return model_file(self.plan.engine)


def read_version_facts(project: Project, number: int) -> VersionFacts:
    """The facts about a version. NotFound where there is no such version; EnvironmentFault where its package, or a
    table that it was trained on, cannot be read."""
    lake = open_lake(project)
    explained = explain_version(project, number)
    live = find_version(read_decisions(lake), number)
    package = open_package_of(project, live)
    return VersionFacts(
        project=project.name,
        license=project.settings.project.license,
        time=project.settings.source.time,
        label=project.settings.source.label,
        origin=explained.version,
        plan=package.plan,
        agreement=explained.agreement,
        environment=_read_environment(package.files),
        profiles=_read_profiles(package.files),
        tables=[read_table_facts(project, lake, snapshot) for snapshot in explained.version.snapshots],
        live=read_live_figures(lake, number),
        decisions=_decisions_about(lake, number),
        files=_read_files(package.files),
        mlmodel=_read_mlmodel(package.files),
    )


def _decisions_about(lake: Lake, number: int) -> list[Decision]:
    return [decision for decision in read_decisions(lake) if decision.version == number]


def _read_environment(files: PackageFiles) -> Environment:
    try:
        return read_environment(files)
    except msgspec.MsgspecError as error:
        raise _bad_package(files.path, error) from None


def _read_profiles(files: PackageFiles) -> dict[str, Profile]:
    try:
        return msgspec.json.decode(files.read(PROFILE_FILE), type=dict[str, Profile])
    except msgspec.MsgspecError as error:
        raise _bad_package(files.path, error) from None


def _read_files(files: PackageFiles) -> dict[str, bytes]:
    return {name: files.read(name) for name in files.names() if name.split("/")[0] not in _NOT_SHARED}


def _read_mlmodel(files: PackageFiles) -> dict[str, Any]:
    try:
        return msgspec.convert(yaml.safe_load(files.read(MLMODEL_FILE)), dict[str, Any])
    except (yaml.YAMLError, msgspec.MsgspecError) as error:
        raise _bad_package(files.path, error) from None


def _bad_package(package: Path, error: Exception) -> EnvironmentFault:
    hint = "restore the folder of the package from a backup"
    return EnvironmentFault(f"cannot be read: {error}", code="bad_package", where=str(package), hint=hint)
