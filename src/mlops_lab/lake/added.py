"""Which rows were added to a table since it was read last, so that what was read need not be read again.

Tables only grow. A commit that puts small files together (Delta: `dataChange` false) changes no row, so nothing that it
writes is new. Where anything else took rows away, or where the log does not go back far enough any more, all is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from urllib.parse import unquote

import msgspec
import polars as pl

_LOG = "_delta_log"


class Mark(msgspec.Struct, frozen=True):
    """Up to which commit a table was read. The digest of the commit tells whether the table still has that past: one
    that was restored from a copy may have another commit of this version."""

    version: int
    commit: str


@dataclass(frozen=True)
class Added:
    """The rows that were added, in parts that fit into memory; with `is_whole`, all rows. `mark`: for the next time.

    A part is read when the iterator comes to it.
    """

    mark: Mark
    is_whole: bool
    parts: Iterator[pl.DataFrame]


def has_commit(table: Path, version: int) -> bool:
    """Whether the log of a table holds the commit of a version."""
    return _commit(table, version).exists()


def mark_of(table: Path, version: int) -> Mark:
    """The mark of a version of a table."""
    return Mark(version, _digest(_commit(table, version)))


def added_files(table: Path, *, since: Mark, until: int) -> list[str] | None:
    """The files with the rows that were added after a mark, up to a version; None where all rows must be read again."""
    if since.version > until or not since.commit or _digest(_commit(table, since.version)) != since.commit:
        return None
    files = []
    for version in range(since.version + 1, until + 1):
        try:
            lines = _commit(table, version).read_bytes().splitlines()
        except FileNotFoundError:
            return None
        for line in lines:
            action = msgspec.json.decode(line, type=_Action)
            if action.remove and action.remove.is_change:
                return None
            if action.add and action.add.is_change:
                files.append(unquote(action.add.path))
    return files if all((table / file).exists() for file in files) else None


class _File(msgspec.Struct):
    path: str
    is_change: bool = msgspec.field(name="dataChange", default=True)


class _Action(msgspec.Struct):
    add: _File | None = None
    remove: _File | None = None


def _commit(table: Path, version: int) -> Path:
    return Path(f"{table}/{_LOG}/{version:020d}.json")


def _digest(commit: Path) -> str:
    """The digest of a commit; nothing where it is not there any more."""
    try:
        return blake2b(commit.read_bytes(), digest_size=8).hexdigest()
    except FileNotFoundError:
        return ""
