"""How long journals are kept: until the tables that hold their records are on the disk, and some time more.

The time is for copies: a plain copy of a project that is in use may take a table before records are moved into it, and
the journal after that. It lacks nothing as long as the journal still holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab import clock
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.journal.epochs import drop_epochs
from mlops_lab.journal.segments import drop_segments, segments
from mlops_lab.journal.workers import worker_paths
from mlops_lab.lake import Lake
from mlops_lab.project import Project

KEPT = timedelta(minutes=15)
"""How long a segment stays after it is not needed any more."""


class _Unneeded(msgspec.Struct, frozen=True):
    """Up to which position each journal was not needed any more at a moment."""

    at: datetime
    positions: tuple[int, ...]
    format: Literal[1] = 1


def drop_unneeded(project: Project, lake: Lake, positions: Sequence[int]) -> None:
    """Delete the segments before these positions, by worker, that were not needed `KEPT` ago; what they held is brought
    to the disk before."""
    path, now = project.home / "unneeded.json", clock.now()
    unneeded, noted = _Unneeded(now, tuple(positions)), _read(path)
    try:
        if noted is None or noted.at > now:  # the clock was set back
            noted = unneeded
            write_atomically(path, msgspec.json.encode(unneeded), durable=False)
        if now - noted.at < KEPT:
            return
        journals = list(zip(worker_paths(project.journal_path), map(min, noted.positions, positions), strict=False))
        if any(_has_segment_before(journal, until) for journal, until in journals):
            lake.sync()
        for journal, until in journals:
            drop_segments(journal, until)
            drop_epochs(journal)
        write_atomically(path, msgspec.json.encode(unneeded), durable=False)
    except OSError as error:
        raise disk_fault(error, project.home) from error


def _has_segment_before(journal: Path, until: int) -> bool:
    return any(end <= until for end in segments(journal)[1:])


def _read(path: Path) -> _Unneeded | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Unneeded)
    except (OSError, msgspec.MsgspecError):
        return None
