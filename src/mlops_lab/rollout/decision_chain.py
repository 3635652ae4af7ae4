"""The hash chain of the decisions: each has a hash of itself and of the hash before, so that one that was changed, is
missing or was moved is found.

Decisions of older releases have no hash. The first one that has follows a hash computed from them, as they were then.
Whoever can write the table can also compute all hashes anew: only a hash that was noted elsewhere proves more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

FORMAT = 1
"""The format of what is hashed."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A decision as it is stored. `evidence` is JSON text, `user` the system user whose process wrote it; `user` and
    `hash` are None where an older release wrote it."""

    number: int
    at: datetime
    what: str
    version: int | None
    rule: str
    reason: str
    evidence: str
    by: str
    user: str | None = None
    hash: str | None = None


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The number and the hash of the last decision, kept beside the table."""

    format: int = FORMAT
    number: int
    hash: str


@dataclass(frozen=True)
class Fault:
    """What is wrong with the chain, and with which decision; None where it is about no certain one."""

    code: str
    number: int | None
    what: str


def hash_entry(entry: Entry, previous: str) -> str:
    """The hash of a decision that follows the one with the hash `previous` (empty: it is the first), in hexadecimal."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [entry.number, at, entry.what, entry.version, entry.rule, entry.reason, entry.evidence, entry.by]
    text = json.dumps(["mlops decision", FORMAT, previous, *fields, entry.user], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def last_hash(entries: Sequence[Entry]) -> str:
    """The hash that the next decision follows: the one that is stored, or, after older decisions, one of all these."""
    previous = ""
    for entry in entries:
        previous = entry.hash or hash_entry(entry, previous)
    return previous


def follows(entries: Sequence[Entry], head: Head) -> bool:
    """Whether the decision that the head names is among these, with the same hash."""
    return any(entry.number == head.number and entry.hash == head.hash for entry in entries)


def find_faults(entries: Sequence[Entry], *, head: Head | None, written: int) -> list[Fault]:
    """What is wrong with the chain: nothing where each decision is as it was written. `entries` by number; `written` is
    how many decisions the log of the table says were written."""
    return [*_find_broken_links(entries), *_find_cut(entries, head, written)]


def _find_broken_links(entries: Sequence[Entry]) -> Iterator[Fault]:
    previous: str | None = ""
    last, is_chained = 0, False
    for entry in entries:
        number = entry.number
        if number <= last:
            yield Fault("repeated", number, f"there is more than one decision with the number {number}")
            continue
        if number > last + 1:
            yield Fault("missing", last + 1, f"{_name(last + 1, number - 1)} missing")
            previous = None
        if entry.hash is None and is_chained:
            what = f"decision {number} has no hash: it was inserted, or an older release wrote it"
            yield Fault("not_hashed", number, what)
        elif entry.hash is not None and previous is not None and entry.hash != hash_entry(entry, previous):
            older = "" if is_chained or number == 1 else ", or one before it, which have no hashes of their own,"
            yield Fault("changed", number, f"decision {number}{older} is not what was written, or not at its place")
        previous = entry.hash or hash_entry(entry, previous or "")
        last, is_chained = number, is_chained or entry.hash is not None


def _find_cut(entries: Sequence[Entry], head: Head | None, written: int) -> Iterator[Fault]:
    """Whether decisions at the end are missing."""
    last = entries[-1].number if entries else 0
    known = max(written, head.number if head else 0)
    if last < known:
        yield Fault("cut", last + 1, f"{_name(last + 1, known)} missing at the end")
    elif head is None and any(entry.hash for entry in entries):
        yield Fault("no_head", None, "the head is missing: whether decisions at the end are missing cannot be told")
    elif head is not None and not follows(entries, head):
        yield Fault("head_differs", head.number, f"decision {head.number} has not the hash that the head was kept with")


def _name(first: int, last: int) -> str:
    return f"decision {first} is" if first == last else f"decisions {first} to {last} are"
