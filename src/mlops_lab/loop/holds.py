"""Legal holds: table versions that must not be deleted or changed until somebody releases them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.ids import new_id
from mlops_lab.intake.journal import ingest_lock
from mlops_lab.lake import Lake
from mlops_lab.lake.added import has_commit
from mlops_lab.lake.history import extend_history, read_history
from mlops_lab.project import Project
from mlops_lab.tables.declared import LEGAL_HOLDS
from mlops_lab.tables.numbered import append_numbered, read_numbered

_HOLD, _RELEASE = "hold", "release"


class LegalHold(NamedTuple):
    """A hold that was not released yet."""

    hold: str
    at: datetime
    table: str
    version: int
    by: str
    reason: str


def read_holds(lake: Lake) -> list[LegalHold]:
    """The holds that were not released yet, the oldest first."""
    events = read_numbered(LEGAL_HOLDS, lake)
    released = {event["hold"] for event in events if event["event"] == _RELEASE}
    placed = (event for event in events if event["event"] == _HOLD and event["hold"] not in released)
    return [LegalHold(**{name: event[name] for name in LegalHold._fields}) for event in placed]


def place_hold(project: Project, lake: Lake, target: str, *, now: datetime, by: str, reason: str) -> LegalHold:
    """Hold a table at a version: `TABLE@VERSION`, or `TABLE` for its newest one. NotFound where that version cannot be
    read (any more)."""
    with ingest_lock(project, lake):  # nobody deletes files meanwhile
        table, version = _parse(lake, target)
        hold = LegalHold(new_id()[:6], now, table, version, by, reason)
        _append(lake, _HOLD, hold)
        extend_history(lake.table_path(table), pinned=[version])
        lake.commits.note_history(table)
    return hold


def release_hold(lake: Lake, name: str, *, now: datetime, by: str, reason: str) -> LegalHold:
    """End a hold. NotFound where there is none of that name."""
    held = {hold.hold: hold for hold in read_holds(lake)}
    if name not in held:
        raise NotFound(
            f'there is no hold "{name}"',
            code="unknown_hold",
            where="HOLD",
            hint=f"there are: {', '.join(held) or 'none'}; `mlops hold list` shows them",
        )
    _append(lake, _RELEASE, held[name]._replace(at=now, by=by, reason=reason))
    return held[name]


def _parse(lake: Lake, target: str) -> tuple[str, int]:
    table, at, text = target.partition("@")
    newest = lake.version(table)  # NotFound where there is no such table
    if not at:
        return table, newest
    if not text.isdecimal():
        raise InvalidInput(
            f'"{text}" is no version of a table', code="bad_version", where="TABLE@VERSION", hint=f"as {table}@{newest}"
        )
    version, folder = int(text), lake.table_path(table)
    if version > newest or not (has_commit(folder, version) or version in read_history(folder).pinned):
        raise NotFound(
            f"version {version} of it cannot be read" + (" any more" if version <= newest else " yet"),
            code="unknown_version",
            where=f'table "{table}"',
            hint=f"its newest version is {newest}: `mlops hold create {table}@{newest} --reason ...`",
        )
    return table, version


def _append(lake: Lake, event: str, hold: LegalHold) -> None:
    append_numbered(LEGAL_HOLDS, lake, [{"event": event, **hold._asdict()}])
