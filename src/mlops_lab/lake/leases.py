"""Leases: while a process reads tables at fixed versions, nobody deletes what these versions need.

A lease is a locked file beside the lake. The kernel releases the lock when its holder ends, in whatever way; a file
that is left over means nothing, and is deleted by whoever finds it.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab.files import disk_fault
from mlops_lab.ids import new_id


class LeasedVersion(msgspec.Struct, frozen=True):
    """A version of a table that is read, and its files."""

    version: int
    files: tuple[str, ...] = ()


class _Content(msgspec.Struct, frozen=True):
    tables: dict[str, LeasedVersion]
    format: Literal[1] = 1


class Lease:
    """These versions of tables stay readable until nothing uses the lease any more, at the latest when this process
    ends."""

    def __init__(self, lake: Path, tables: Mapping[str, LeasedVersion]) -> None:
        if not tables:
            return
        path = _folder(lake) / f"{new_id()}.json"
        unlocked = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(unlocked, os.O_WRONLY | os.O_CREAT, 0o644)
            fcntl.flock(file, fcntl.LOCK_EX)
            os.write(file, msgspec.json.encode(_Content(dict(tables))))
            unlocked.rename(path)
        except OSError as error:
            raise disk_fault(error, path) from error
        weakref.finalize(self, _let_go, path, file)


def leased_tables(lake: Path) -> list[tuple[str, LeasedVersion]]:
    """The tables that processes read at the moment, each at a version."""
    found: list[tuple[str, LeasedVersion]] = []
    for path in _folder(lake).glob("*.json"):
        with suppress(FileNotFoundError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                found += msgspec.json.decode(file.read(), type=_Content).tables.items()
            else:  # its holder is gone
                path.unlink()
    return found


def leased_files(lake: Path, table: str) -> set[str]:
    """The files of a table that processes read at the moment."""
    return {file for name, leased in leased_tables(lake) if name == table for file in leased.files}


def _let_go(path: Path, file: int) -> None:
    path.unlink(missing_ok=True)
    os.close(file)


def _folder(lake: Path) -> Path:
    return lake.parent / "leases"
