"""Files that no current version of a table needs are deleted, after some time, and so are the oldest commits.

The time is for readers of a version that was current a moment ago, and for copies of a project that is in use: they
take a table file by file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

from mlops_lab import clock
from mlops_lab.lake.commits import LocalCommits
from mlops_lab.lake.durability import commits_of, named_files, sync_table

_COMMITS_AT_ONCE = 60
_CHECKPOINT = ".checkpoint.parquet"


class Retention(NamedTuple):
    """How long files stay that no version needs any more; and commits, before which readers of what was added would
    read all again."""

    files: timedelta = timedelta(hours=1)
    commits: timedelta = timedelta(hours=6)


def old_commits(table: Path, retention: Retention) -> list[Path]:
    """The commits and checkpoints that can be deleted: those before a checkpoint that is old enough itself.

    The newest come first. Whenever their deletion is interrupted, a version of which the commit is left can be read.
    """
    limit, log = clock.now() - retention.commits, table / "_delta_log"
    versions = sorted(name for name in os.listdir(log) if name.endswith((".json", _CHECKPOINT)) and name[:20].isdigit())
    for checkpoint in reversed([name for name in versions if name.endswith(_CHECKPOINT)]):
        if _changed_at(log / checkpoint) < limit:
            before = [log / name for name in reversed(versions) if name[:20] < checkpoint[:20]]
            if not before or _is_whole(log / checkpoint):
                return before
    return []


def is_worth_it(commits: Sequence[Path]) -> bool:
    """Whether so many commits can be deleted that it is time to do so."""
    return len(commits) >= _COMMITS_AT_ONCE


def unneeded_files(table: Path, needed: Collection[str], *, retention: Retention) -> list[Path]:
    """The files of a table that are neither needed nor were needed by a version of a short time ago."""
    limit, needed = clock.now() - retention.files, {*needed}
    for commit in reversed(commits_of(table)):
        if _changed_at(commit) < limit:
            break
        needed |= named_files(commit)
    return [path for path in table.glob("*.parquet") if path.name not in needed and _changed_at(path) < limit]


def delete_unneeded(
    lake: LocalCommits,
    name: str,
    *,
    current: Collection[str],
    pinned: Collection[str],
    commits: Sequence[Path],
    retention: Retention,
) -> None:
    """Delete these commits, and the files that neither the current version, nor a pinned one, nor a version of a short
    time ago needs. What replaces them is brought to the disk before."""
    table = lake.lake / name
    unneeded = unneeded_files(table, {*current, *pinned}, retention=retention)
    if not unneeded and not commits:
        return
    sync_table(table, current)
    lake.delete(name, [*unneeded, *commits])


def version_before(table: Path, age: timedelta) -> int | None:
    """The newest version that is at least so old; None where the log does not go back that far."""
    limit = clock.now() - age
    return next((int(commit.stem) for commit in reversed(commits_of(table)) if _changed_at(commit) < limit), None)


def _is_whole(checkpoint: Path) -> bool:
    try:
        return bool(pl.read_parquet_schema(checkpoint))
    except (OSError, pl.exceptions.PolarsError):
        return False


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
