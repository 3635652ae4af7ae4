"""Epochs: the identity of a journal. Whoever remembers a position in a journal also remembers its epoch.

Each time a writer opens a journal, a new epoch with a random id begins, and ends where the next one begins. A journal
that was restored from a backup, cut off or deleted goes on with an epoch that nobody has read yet; so positions in it
are never taken for those of the journal that it was before, also where it has become longer than that one.

An epoch is an empty file, named after its first position and its id. What was written before the first epoch, by older
releases, has the epoch `NO_EPOCH`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from mlops_lab.ids import new_id
from mlops_lab.journal.segments import segments

NO_EPOCH = ""
_NAME = re.compile(r"(\d{20})-([0-9a-z]+)\.epoch")


class Epoch(NamedTuple):
    """An epoch of a journal: its first position, and where it ends; None for the last one, which may grow."""

    id: str
    start: int
    end: int | None


class LogPosition(NamedTuple):
    """A position in a journal, and the epoch that it was read in."""

    epoch: str
    position: int


@dataclass(frozen=True)
class Resumption:
    """Where to go on reading a journal: at `position`, in `epoch`.

    `is_known`: whether anything of this journal was read before. `lost`: how many bytes were read that the journal does
    not hold any more: it was restored from a backup, or cut off.
    """

    epoch: str
    position: int
    is_known: bool = True
    lost: int = 0

    @property
    def log_position(self) -> LogPosition:
        """The position with its epoch."""
        return LogPosition(self.epoch, self.position)


def begin_epoch(path: Path, start: int) -> None:
    """Begin an epoch at a position, the end of the journal, instead of those in which nothing was written."""
    new = _marker(path, Epoch(new_id(), start, None))
    new.touch()
    for epoch in _markers(path):
        if epoch.start >= start and _marker(path, epoch) != new:
            _marker(path, epoch).rename(new)


def restore_epochs(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write down these epochs again, where the folder was deleted while its writer was at work."""
    for epoch in epochs:
        if epoch.id != NO_EPOCH:
            _marker(path, epoch).touch()


def read_epochs(path: Path) -> list[Epoch]:
    """The epochs of a journal, in order; at least one."""
    markers = _markers(path)
    first = min(segments(path), default=0)
    if not markers or markers[0].start > first:
        markers.insert(0, Epoch(NO_EPOCH, first, None))
    return [*(epoch._replace(end=after.start) for epoch, after in pairwise(markers)), markers[-1]]


def drop_epochs(path: Path) -> None:
    """Forget the epochs before the first segment, except the last of them: the first segment goes on from there."""
    first = min(segments(path), default=0)
    for epoch, after in pairwise(_markers(path)):
        if after.start < first:
            _marker(path, epoch).unlink(missing_ok=True)


def resume(path: Path, reached: Callable[[str], int]) -> Resumption:
    """Where to go on reading a journal. `reached` gives by epoch the position up to which it was read; 0 for none.

    A journal is read in order: all before the last epoch that was read is read, too. A journal of which no epoch was
    ever read is another one, and is read from its beginning.
    """
    first = min(segments(path), default=0)
    epochs = read_epochs(path)
    for epoch in reversed(epochs):
        if position := reached(epoch.id):
            end = position if epoch.end is None else epoch.end
            return Resumption(epoch.id, min(position, end), lost=max(0, position - end))
    return Resumption(epochs[0].id, first, is_known=False)


def resume_at(path: Path, known: LogPosition | None) -> int:
    """The position from which to go on reading a journal, of which all up to `known` was read; None: nothing."""
    found = resume(path, lambda epoch: known.position if known and epoch == known.epoch else 0)
    return max(found.position, min(segments(path), default=0))


def positions_until(epochs: Sequence[Epoch], since: int, until: int) -> list[LogPosition]:
    """What to remember after reading from one position to another: the position reached in each epoch between."""
    ends = [(epoch, until if epoch.end is None else min(epoch.end, until)) for epoch in epochs]
    between = [LogPosition(epoch.id, end) for epoch, end in ends if end > since and end > epoch.start]
    return between or [LogPosition(epochs[-1].id, until)]


def _markers(path: Path) -> list[Epoch]:
    names = [_NAME.fullmatch(file.name) for file in path.glob("*.epoch")]
    return sorted((Epoch(name[2], int(name[1]), None) for name in names if name), key=lambda epoch: epoch.start)


def _marker(path: Path, epoch: Epoch) -> Path:
    return path / f"{epoch.start:020d}-{epoch.id}.epoch"
