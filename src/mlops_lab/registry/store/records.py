"""Versions and runs as plain records. Light: no MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl


@dataclass(frozen=True)
class RegisteredVersion:
    """A registered version: its number, the run that made it, its package and the package's fingerprint."""

    number: int
    run_id: str
    package: Path
    fingerprint: str


@dataclass(frozen=True)
class VersionContent:
    """What goes into a package and into its run."""

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


@dataclass(frozen=True)
class TrackedRun:
    """A run as MLflow keeps it. `is_finished`: everything was logged."""

    run_id: str
    name: str
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    is_finished: bool
