"""What a tracker is told of a run: the records of runs.json."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class DatasetRecord(Struct, frozen=True, kw_only=True):
    """A table that a run used: its version, its number of rows, the fingerprint of its content."""

    table: str
    version: int
    rows: int
    fingerprint: str


class RunRecord(Struct, frozen=True, kw_only=True):
    """A run that has ended. `kind`: "training", "study", "trial", "dvc" (what a DVC repository says of its pipeline);
    `study`: the id of the trial's study. `version`: what a training registered. `curves`: by name the points, each a
    moment and a value. `source`: file and commit."""

    id: str
    name: str
    kind: str
    study: str | None
    version: int | None
    failed: bool
    began: str
    ended: str
    seconds: float
    source: dict[str, str]
    datasets: list[DatasetRecord]
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    curves: dict[str, list[tuple[str, float]]]


class RunsFile(Struct, frozen=True, kw_only=True):
    """All runs of a project: studies before their trials, else the oldest first."""

    format: int = 1
    project: str
    runs: list[RunRecord]


def encode(file: RunsFile) -> bytes:
    """The bytes of runs.json."""
    return msgspec.json.format(msgspec.json.encode(file)) + b"\n"
