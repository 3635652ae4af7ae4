"""Predictions and their outcomes, as the commands print them with `--json`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from mlops_lab.cli.records.errors import ErrorDetails


class OutcomesRecord(Struct, frozen=True, kw_only=True):
    """`mlops outcomes`: the number of outcomes by verdict, and a problem for each one that was not accepted."""

    schema_version: int = 1
    counts: dict[str, int]
    problems: list[ErrorDetails]


class ScoreRecord(Struct, frozen=True, kw_only=True):
    """`mlops score`: the number of requests, of those without an answer, and the version that answered; the `file`
    written, or without one all `answers`."""

    schema_version: int = 1
    rows: int
    unanswered: int
    version: int
    file: str | UnsetType = UNSET
    answers: list[dict[str, Any]] | UnsetType = UNSET


class ParityExample(Struct, frozen=True, kw_only=True):
    """One cell that was served otherwise than it is defined."""

    prediction: str
    at: str
    version: int
    feature: str
    view: str | None
    entity: dict[str, Any]
    served: Any
    defined: Any


class ParityRecord(Struct, frozen=True, kw_only=True):
    """`mlops features verify`: predictions and cells compared, cells that differ (in all, and by feature), examples."""

    schema_version: int = 1
    predictions: int
    cells: int
    differing: int
    by_feature: dict[str, int]
    examples: list[ParityExample]
