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


class UnverifiedVersion(Struct, frozen=True, kw_only=True):
    """Predictions that could not be verified, and why: the package of their version is gone, for example."""

    version: int | None
    predictions: int
    reason: str


class LogProblemRecord(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a table of the lake: `what` in words, the `column` or `file` that it is about, how
    many rows are missing or too many, the hours of the rows, and the ranges of the journal that held them."""

    table: str
    what: str
    column: str | None
    file: str | None
    rows: int
    since: str | None
    until: str | None
    ranges: str | None


class ParityRecord(Struct, frozen=True, kw_only=True):
    """`mlops features verify`: predictions, cells and answers compared; what differs in all (cells, answers, and rows
    and columns of the log), the cells and answers by feature (`output`: the answer), and examples of them; the cells
    that cannot be compared, because facts were erased since; versions that could not be verified; the number of logged
    rows with digests, and what is wrong with the log."""

    schema_version: int = 1
    predictions: int
    cells: int
    differing: int
    by_feature: dict[str, int]
    erased: int
    examples: list[ParityExample]
    answers: int
    unverified: list[UnverifiedVersion]
    rows_checked: int
    log: list[LogProblemRecord]
