"""What `mlops serve --json`, `mlops page --json` and `mlops up --json` print."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from mlops_lab.cli.records.errors import ErrorDetails
from mlops_lab.rollout.decision_record import DecisionRecord


class ServeRecord(Struct, frozen=True, kw_only=True):
    """`mlops serve`: the URL (`ready`) and the process of the server, printed as soon as it answers."""

    schema_version: int = 1
    ready: str
    pid: int


class PageRecord(Struct, frozen=True, kw_only=True):
    """`mlops page`: the address of the page (`page`), printed as soon as it answers."""

    schema_version: int = 1
    page: str


class ReadyEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="ready"):
    """`mlops up`: the server answers. The first time with commands to paste (null: there is no row to make them from),
    and the header of a file of outcomes."""

    schema_version: int = 1
    url: str
    pid: int
    predict: str | UnsetType | None = UNSET
    outcome: str | UnsetType | None = UNSET
    file: str | UnsetType = UNSET
    header: str | UnsetType = UNSET


class DecisionEvent(DecisionRecord, frozen=True, kw_only=True, tag_field="event", tag="decision"):
    """`mlops up`: a decision was made."""

    schema_version: int = 1


class WarningEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="warning"):
    """`mlops up`: the requests of the day that was just measured differ much from training, or from the days before."""

    schema_version: int = 1
    what: str


class ErrorEvent(ErrorDetails, frozen=True, kw_only=True, tag_field="event", tag="error"):
    """`mlops up`: something failed, and is tried again."""

    schema_version: int = 1


class PageEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="page"):
    """`mlops up`: the page of the project answers."""

    schema_version: int = 1
    url: str


class StoppedEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag="stopped"):
    """`mlops up`: it was stopped; its duration, and the number of answers, outcomes and decisions meanwhile."""

    schema_version: int = 1
    seconds: float
    answers: int
    outcomes: int
    decisions: int
