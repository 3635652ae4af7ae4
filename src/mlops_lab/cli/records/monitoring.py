"""What `mlops diagnose` prints with `--json`."""

from __future__ import annotations

from msgspec import Struct


class DeliveryRecord(Struct, frozen=True, kw_only=True):
    """Rows of a table that arrived together: their `file` in the lake, how many, and when the first arrived (`at`)."""

    table: str
    file: str
    rows: int
    at: str


class CauseRecord(Struct, frozen=True, kw_only=True):
    """A feature, or a group of requests (`FIELD=VALUE`), and how much of the change of the loss it explains: in its
    unit (`loss`), and as a share of the change. Of a feature also the `tables` that it comes from, and the first
    `delivery` since the change that is unlike those before; null where there is none."""

    name: str
    loss: float
    share: float
    tables: list[str] = []
    delivery: DeliveryRecord | None = None


class DiagnosisRecord(Struct, frozen=True, kw_only=True):
    """The mean loss of the champion's answers in the 28 days before `since`, and from then `until` when, and what
    explains a higher one. All but the times is null where too few answers have an outcome."""

    schema_version: int = 1
    since: str
    until: str
    loss_before: float | None
    loss_since: float | None
    answers: int | None
    features: list[CauseRecord]
    groups: list[CauseRecord]
    unusual: list[str]
