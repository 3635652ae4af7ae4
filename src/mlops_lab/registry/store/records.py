"""Versions and runs as plain records. Light: no MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from mlops_lab.lake import Snapshot
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.package import (
    AGREEMENT_FILE,
    CODE_FOLDER,
    ENVIRONMENT_FILE,
    LINEAGE_FILE,
    PLAN_FILE,
    PROFILE_FILE,
    REQUIREMENTS_FILE,
)

CURVES = "holdout/"
"""The metrics of a run that have a point for each block of time begin with this."""
IMPORTED_FROM = "imported_from"
"""A tag of runs whose model was trained elsewhere: its address."""
ID_BEFORE = "run_id_before"
"""A tag of runs that were moved to a tracking server, which gave them other ids: that by which decisions know them."""
Curve = Sequence[tuple[datetime, float]]
"""Values by moment, in order."""


@dataclass(frozen=True)
class RegisteredVersion:
    """A registered version: its number, the run that made it, its package and the package's fingerprint."""

    number: int
    run_id: str
    package: Path
    fingerprint: str


@dataclass(frozen=True)
class VersionContent:
    """What goes into a package and into its run. `code`: the project's files by their paths; `environment`: what the
    training ran on; `snapshots`: the tables that it was trained on; `seconds`: how long it took."""

    engine: str
    model: bytes
    plan: bytes
    agreement: bytes
    classes: Sequence[str]
    profile: bytes
    lineage: bytes
    inputs: pl.DataFrame
    requirements: Sequence[str]
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    code: Mapping[str, bytes] = field(default_factory=dict)
    environment: bytes = b""
    snapshots: Sequence[Snapshot] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class TrackedRun:
    """A run as MLflow keeps it, without its curves. `is_finished`: everything was logged; `began`: the time of the
    training; `ended`: None where it runs."""

    run_id: str
    name: str
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    is_finished: bool
    began: datetime
    ended: datetime | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Its id, and the one before it was moved to a tracking server."""
        return (self.run_id, *([self.tags[ID_BEFORE]] if ID_BEFORE in self.tags else []))


class Registry(Protocol):
    """Where a training registers its version: MLflow, or a folder that is thrown away (`replay.backtest`)."""

    def find(self, candidate: str) -> RegisteredVersion | None:
        """The version already registered for that candidate fingerprint."""

    def register(
        self, content: VersionContent, *, candidate: str, run_name: str, moment: datetime
    ) -> RegisteredVersion:
        """Write the package and give it the next number. `moment` is the time of the training."""

    def log_metrics(
        self,
        version: RegisteredVersion,
        metrics: Mapping[str, float],
        *,
        moment: datetime,
        curves: Mapping[str, Curve],
    ) -> None:
        """Add measurements, and curves of them, to the version."""

    def set_stage(self, alias: str, number: int) -> None:
        """Point an alias (`champion`, `candidate`) at a version."""


def write_content(path: Path, content: VersionContent) -> None:
    """Write the folder of a version, without what MLflow adds to it."""
    path.mkdir(parents=True)
    files = {
        model_file(content.engine): content.model,
        PLAN_FILE: content.plan,
        PROFILE_FILE: content.profile,
        AGREEMENT_FILE: content.agreement,
        LINEAGE_FILE: content.lineage,
        REQUIREMENTS_FILE: "\n".join(content.requirements).encode(),
        **({ENVIRONMENT_FILE: content.environment} if content.environment else {}),
        **{f"{CODE_FOLDER}/{name}": data for name, data in content.code.items()},
    }
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
