"""What `mlops forget --json` prints."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.loop.erasures import Erasure
from mlops_lab.runtime.erasure.forget import Traces


class ErasureRecord(Struct, frozen=True, kw_only=True):
    """An erasure, without the data: its state (`begun`: it was interrupted; `erased`; `finished`: also the kept copies
    of files are gone), when they go (`due`), how many rows of each table, and the versions that had learned from them.
    `person` is a hash with a secret of the project, which tells only that two erasures are of one person."""

    erasure: str
    at: str
    state: str
    person: str
    by: str
    due: str | None
    rows: dict[str, int]
    versions: list[int]


class ErasureList(Struct, frozen=True, kw_only=True):
    """All erasures, the oldest first."""

    schema_version: int = 1
    erasures: list[ErasureRecord]


class ForgetRecord(Struct, frozen=True, kw_only=True):
    """What there was of a person, by table: `rows` of the newest version, `old_rows` of old versions that stay
    readable; `records` in journals; the `versions` that had learned from them. In the way: `in_data` (rows that the
    project's data still has, by table) and `holds`. `unread`: data that could not be looked at, and why.

    `done`: false where nothing was to be erased yet. `erasure`: the record of it (null: there was nothing to erase).
    """

    schema_version: int = 1
    done: bool
    rows: dict[str, int]
    old_rows: dict[str, int]
    records: int
    versions: list[int]
    in_data: dict[str, int]
    holds: list[str]
    unread: dict[str, str]
    erasure: ErasureRecord | None


def record_traces(traces: Traces, erasure: Erasure | None, *, done: bool) -> ForgetRecord:
    """The record of what there was, and of what was done about it."""
    return ForgetRecord(
        done=done,
        rows=traces.rows,
        old_rows=traces.old_rows,
        records=traces.records,
        versions=traces.versions,
        in_data=traces.in_data,
        holds=[f"{hold.hold} on {hold.table}@{hold.version}: {hold.reason}" for hold in traces.holds],
        unread=traces.unread,
        erasure=record_erasure(erasure) if erasure else None,
    )


def record_erasure(erasure: Erasure) -> ErasureRecord:
    """The record of an erasure."""
    return ErasureRecord(
        erasure=erasure.erasure,
        at=erasure.at.isoformat(),
        state=erasure.event,
        person=erasure.person,
        by=erasure.by,
        due=erasure.due.isoformat() if erasure.due else None,
        rows=erasure.rows,
        versions=erasure.versions,
    )
