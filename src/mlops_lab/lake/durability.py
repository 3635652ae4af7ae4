"""Delta tables on the disk: what is committed stays after a power cut, and what is half there is undone.

delta-rs syncs nothing. A power cut may take any file that was not synced, and may leave the commit that names it; a
plain copy of a project that is in use may have the commit without the file, too. Whoever appends syncs, so only the
last commits of a table can be like this.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
from deltalake import CommitProperties, DeltaTable, Transaction

from mlops_lab.files import sync_file, sync_folder, write_atomically
from mlops_lab.ids import new_id

_LOG = "_delta_log"
_FOOTER = b"PAR1"


def sync_commits(table: Path, since: int) -> None:
    """Bring the commits from a version on to the disk: their files, the folder, and the log."""
    log = table / _LOG
    names = (f"{version:020d}" for version in count(since))
    commits = list(takewhile(Path.exists, (log / f"{name}.json" for name in names)))
    sync_files(table, (unquote(add["path"]) for commit in commits for add in _actions(commit, "add")))
    for commit in commits:
        sync_file(commit)
        sync_file(commit.with_suffix(".checkpoint.parquet"))
    sync_file(log / "_last_checkpoint")
    sync_folder(log)


def sync_table(table: Path, files: Iterable[str]) -> None:
    """Bring all of a table to the disk, whoever wrote it: these files, its folder, and its log."""
    sync_files(table, files)
    for path in (table / _LOG).iterdir():
        sync_file(path)
    sync_folder(table / _LOG)


def sync_files(table: Path, files: Iterable[str]) -> None:
    """Bring files of a table to the disk, and their names."""
    for file in files:
        sync_file(table / file)
    sync_folder(table)


def commits_of(table: Path) -> list[Path]:
    """The files of the commits, oldest first. Those before a checkpoint may have been deleted."""
    log = table / _LOG
    names = sorted(name for name in os.listdir(log) if name.endswith(".json") and name[:-5].isdigit())
    return [log / name for name in names]


def named_files(commit: Path) -> set[str]:
    """The files that a commit adds or takes away."""
    return {unquote(action["path"]) for kind in ("add", "remove") for action in _actions(commit, kind)}


def hide_predicates(table: Path) -> None:
    """Take out of the commits of a table by which values rows were deleted: those may say whose rows they were. Readers
    never look at it."""
    for commit in commits_of(table):
        content = commit.read_bytes()
        if (hidden := hidden_predicates(content)) != content:
            write_atomically(commit, hidden)


def hidden_predicates(content: bytes) -> bytes:
    """What a commit holds, without the values by which rows were deleted."""
    if b'"predicate"' not in content:
        return content
    lines = _decoded(content)
    for line in lines:
        line.get("commitInfo", {}).get("operationParameters", {}).pop("predicate", None)
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def added_files(content: bytes) -> list[str]:
    """The files that a commit with this content adds."""
    return [unquote(line["add"]["path"]) for line in _decoded(content) if "add" in line]


def copy_table(table: Path, target: Path) -> None:
    """Copy a table as it is now, while others append to it. FileNotFoundError where files are deleted meanwhile."""
    log = table / _LOG
    last = int(commits_of(table)[-1].stem)
    (target / _LOG).mkdir(parents=True)
    for path in log.iterdir():
        version = path.name.split(".")[0]
        if version.isdigit() and int(version) <= last and "#" not in path.name:
            shutil.copy2(path, target / _LOG / path.name)
    for path in table.glob("*.parquet"):
        shutil.copy2(path, target / path.name)


def incomplete_tables(lake: Path, *, kept: Collection[str] = ()) -> dict[str, list[str]]:
    """The tables whose last commits are only half there and can be undone, and the files that are missing or cut off.

    Of the tables `kept`, not all commits are undone: who reads them then gets an error. So does who reads a table
    whose first commit holds something else: that is damage, and no interrupted write.
    """
    incomplete = {}
    for table in sorted(path.parent for path in lake.glob(f"*/{_LOG}")):
        commits = commits_of(table)
        whole = _whole_commits(table, commits)
        if whole == len(commits) or (whole == 0 and (table.name in kept or not _is_new(commits[0]))):
            continue
        incomplete[table.name] = [path.name for commit in commits[whole:] for path in _incomplete_files(table, commit)]
    return incomplete


def holds_no_rows(table: Path) -> bool:
    """Whether the commits of an incomplete table that are only half there just put files together."""
    commits = commits_of(table)
    half = commits[_whole_commits(table, commits) :]
    return all(
        _is_readable(commit) and not any(add["dataChange"] for add in _actions(commit, "add")) for commit in half
    )


def undo_incomplete(table: Path, *, aside: Path) -> None:
    """Take back the last commits of an incomplete table, with the positions that they store.

    A commit that can be read is undone by another one: processes that have the table open go on. One that cannot be
    read, and a table of which nothing is whole, is moved to the folder `aside`.
    """
    commits = commits_of(table)
    whole, readable = _whole_commits(table, commits), _readable_commits(commits)
    if whole == 0:
        _move(table, aside)
        return
    for commit in commits[readable:]:
        for path in (commit, commit.with_suffix(".checkpoint.parquet"), commit.parent / "_last_checkpoint"):
            _move(path, aside)
    undone = commits[whole:readable]
    if not undone:
        return
    version = int(commits[whole - 1].stem)
    before = DeltaTable(str(table), version=version)
    names = dict.fromkeys(item["appId"] for commit in undone for item in _actions(commit, "txn"))
    positions = [Transaction(name, before.transaction_version(name) or 0) for name in names]
    DeltaTable(str(table)).restore(
        version, ignore_missing_files=True, commit_properties=CommitProperties(app_transactions=positions)
    )
    sync_commits(table, version)


def _whole_commits(table: Path, commits: Sequence[Path]) -> int:
    """How many of the commits come before the first of the last ones that is only half there.

    Commits are made one after the other: before one whose files are all there, all are. Files that a whole commit
    removed again need not be there.
    """
    whole, removed = len(commits), set[str]()
    for number in reversed(range(len(commits))):
        commit = commits[number]
        if not _is_readable(commit):
            whole = number
            continue
        added = {add["path"] for add in _actions(commit, "add")} - removed
        if {path.name for path in _incomplete_files(table, commit)} & {unquote(path) for path in added}:
            whole = number
            continue  # what it removed is needed again
        if added:
            break
        removed |= {remove["path"] for remove in _actions(commit, "remove")}
    return whole


def _is_new(first: Path) -> bool:
    """Whether the first commit that is there is the first of the table, and can be read or was never written."""
    return int(first.stem) == 0 and (_is_readable(first) or not first.read_bytes().strip(b"\0"))


def _readable_commits(commits: Sequence[Path]) -> int:
    """How many of the commits come before the first of the last ones that cannot be read."""
    readable = len(commits)
    while readable and not _is_readable(commits[readable - 1]):
        readable -= 1
    return readable


def _incomplete_files(table: Path, commit: Path) -> list[Path]:
    """The files that a commit adds and that are not there to their last byte; the commit, if it cannot be read."""
    if not _is_readable(commit):
        return [commit]
    files = {table / unquote(add["path"]): int(add["size"]) for add in _actions(commit, "add")}
    return [path for path, size in files.items() if not _is_complete(path, size_bytes=size)]


def _is_complete(path: Path, *, size_bytes: int) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(max(0, size_bytes - len(_FOOTER)))
            return file.read() == _FOOTER
    except FileNotFoundError:
        return False
    except OSError:  # it is there, and cannot be read now: whoever needs it says so
        return True


def _is_readable(commit: Path) -> bool:
    try:
        return any(_lines(commit))
    except msgspec.DecodeError:
        return False


def _actions(commit: Path, kind: str) -> Iterator[dict[str, Any]]:
    return (line[kind] for line in _lines(commit) if kind in line)


def _lines(commit: Path) -> Iterator[dict[str, Any]]:
    return iter(_decoded(commit.read_bytes()))


def _decoded(content: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in content.splitlines() if line.strip()]


def _move(path: Path, aside: Path) -> None:
    if not path.exists():
        return
    aside.mkdir(parents=True, exist_ok=True)
    path.rename(aside / f"{new_id()[:8]}-{path.name}")
    sync_folder(path.parent)
