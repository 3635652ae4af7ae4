"""How much of the servers' journals is in the lake.

A table stores the position of its last row by epoch, in the commit that adds the row. The table `predictions`, which is
written last, also stores the versions that the other tables had then: a table that is older now was restored from an
older backup, or lost its last commits, and gets what it lacks from the journal again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops_lab.journal.epochs import NO_EPOCH, LogPosition, Resumption, resume
from mlops_lab.journal.segments import segments
from mlops_lab.journal.workers import worker_paths, writer_of
from mlops_lab.lake import Lake
from mlops_lab.lake.copy_notes import machine_id
from mlops_lab.project import Project
from mlops_lab.tables.declared import PREDICTIONS

_VERSION = "version of"
_NEVER_REACHED = 1 << 60


def writer_in(epoch: str, *, worker: int) -> str:
    """The name under which tables store their position in an epoch of a worker's journal."""
    return f"{writer_of(worker)}@{epoch}" if epoch != NO_EPOCH else writer_of(worker)


@dataclass(frozen=True)
class JournalLog:
    """The journal of a worker, as the lake knows it; `machine`: of another one that shares the lake."""

    project: Project
    lake: Lake
    path: Path
    worker: int
    machine: str | None = None

    def resumption(self, table: str) -> Resumption:
        """Where a table goes on reading it."""
        return resume(self.path, lambda epoch: self.lake.position(table, writer_in(epoch, worker=self.worker)))


def journal_logs(project: Project, lake: Lake) -> list[JournalLog]:
    """The journals of all workers."""
    return [JournalLog(project, lake, path, worker) for worker, path in enumerate(worker_paths(project.journal_path))]


def journal_positions(project: Project, lake: Lake) -> tuple[LogPosition, ...]:
    """The position up to which each worker's journal is in the lake; not before the first that it still holds."""
    return tuple(_position(log) for log in journal_logs(project, lake))


def _position(log: JournalLog) -> LogPosition:
    resumption = log.resumption(PREDICTIONS.name)
    return LogPosition(resumption.epoch, max(resumption.position, min(segments(log.path), default=0)))


def is_same_journal(log: JournalLog) -> bool:
    """Whether the journal of a worker ends with what was read of it last, or goes on from there. Older releases did not
    note what they read last."""
    found = log.resumption(PREDICTIONS.name)
    noted = log.lake.position(PREDICTIONS.name, _last_epoch(log))
    if not found.is_known:
        return not noted and not log.lake.position(PREDICTIONS.name, writer_in(NO_EPOCH, worker=log.worker))
    return not found.lost and noted in {0, _number(found.epoch)}


def last_epoch_mark(log: JournalLog, epoch: str) -> tuple[str, int]:
    """What `predictions` stores to say which epoch of a worker's journal was read last."""
    return _last_epoch(log), _number(epoch)


def _last_epoch(log: JournalLog) -> str:
    """Of a worker of one machine, where several share the lake."""
    machine = (log.machine or machine_id(log.lake.path)) if log.lake.commits.is_shared else ""
    return f"last epoch {log.worker}{f' of {machine}' if machine else ''}"


def _number(epoch: str) -> int:
    """The number that stands for an epoch, as tables store numbers only."""
    return int(epoch[:15], 16) + 2 if epoch != NO_EPOCH else 1


def version_marks(lake: Lake, tables: Sequence[str]) -> list[tuple[str, int]]:
    """What `predictions` stores to say which versions these tables have."""
    return [(f"{_VERSION} {name}", lake.version(name) + 1 if lake.exists(name) else 0) for name in tables]


def incomplete_mark(table: str) -> tuple[str, int]:
    """What `predictions` stores to say that a table lacks something, whatever its version is."""
    return f"{_VERSION} {table}", _NEVER_REACHED


def noted_version(lake: Lake, table: str) -> int:
    """The number of versions that a table had when `predictions` was written last; 0 where it had none."""
    return lake.position(PREDICTIONS.name, f"{_VERSION} {table}")


def is_older(lake: Lake, table: str) -> bool:
    """Whether a table is older than it was when `predictions` was written last."""
    return noted_version(lake, table) > (lake.version(table) + 1 if lake.exists(table) else 0)
