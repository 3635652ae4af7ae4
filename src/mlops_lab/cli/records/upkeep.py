"""What `mlops gc --json` and `mlops hold ... --json` print."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.lake.upkeep import Waste
from mlops_lab.loop.collect import Garbage
from mlops_lab.loop.holds import LegalHold


class TableGarbage(Struct, frozen=True, kw_only=True):
    """A table: its number of files, how many of them are small and put together, what nobody needs (files, their bytes,
    commits), and the versions that stayed readable for nobody. `problem`: why this cannot be told."""

    table: str
    files: int = 0
    small_files: int = 0
    unneeded_files: int = 0
    unneeded_bytes: int = 0
    commits: int = 0
    free_versions: list[int] = []
    problem: str | None = None


class NeededVersion(Struct, frozen=True, kw_only=True):
    """A version of a table that stays readable, and who needs it: `version 3`, `hold 3f2a9c`."""

    table: str
    version: int
    by: list[str]


class GarbageRecord(Struct, frozen=True, kw_only=True):
    """What was found before anything was done. `done`: false in a dry run. `unknown`: packages that cannot say what
    they need; no version is let go then."""

    schema_version: int = 1
    done: bool
    tables: list[TableGarbage]
    needed: list[NeededVersion]
    unknown: list[str]


class HoldRecord(Struct, frozen=True, kw_only=True):
    """A legal hold: its id, the version of a table that it keeps, since when, by whom, and why."""

    id: str
    table: str
    version: int
    at: str
    by: str
    reason: str


class HoldDone(HoldRecord, frozen=True):
    """The hold that was created, or released (`released`: the reason is that of the hold)."""

    released: bool
    schema_version: int = 1


class HoldList(Struct, frozen=True, kw_only=True):
    """The holds that were not released yet, the oldest first."""

    schema_version: int = 1
    holds: list[HoldRecord]


def record_garbage(found: Garbage, *, done: bool) -> GarbageRecord:
    """The record of what was found."""
    return GarbageRecord(
        done=done,
        tables=[
            TableGarbage(table=name, **{**waste._asdict(), "free_versions": [*waste.free_versions]})
            if isinstance(waste, Waste)
            else TableGarbage(table=name, problem=waste.what)
            for name, waste in found.tables.items()
        ],
        needed=[
            NeededVersion(table=item.table, version=item.version, by=by)
            for item, by in sorted(found.needed.needed.items())
        ],
        unknown=[str(path) for path in found.needed.unknown],
    )


def describe_hold(hold: LegalHold) -> dict[str, object]:
    """The fields of a hold's record."""
    return {
        "id": hold.hold,
        "table": hold.table,
        "version": hold.version,
        "at": hold.at.isoformat(),
        "by": hold.by,
        "reason": hold.reason,
    }
