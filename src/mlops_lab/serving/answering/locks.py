"""Locks between the workers of a server: all may answer at the same time, but only one may accept facts or outcomes.

An answer depends on the facts accepted before it, and a fact is dated after all answers given before it. So no worker
may answer while another one accepts facts. Between processes this needs a lock that many can share; the kernel releases
it when its holder dies.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Locks:
    """The locks of a project's journals. With a single worker nothing is locked."""

    def __init__(self, path: Path, *, workers: int) -> None:
        self._is_one = workers == 1
        path.mkdir(parents=True, exist_ok=True)
        self._queue, self._journals, self._ids = (
            os.open(path / name, os.O_RDWR | os.O_CREAT, 0o644) for name in ("turn.queue", "turn.lock", "ids.lock")
        )

    @contextmanager
    def answering(self, ids: Iterable[str] = ()) -> Iterator[None]:
        """Held while requests are answered: shared with other workers that answer, except for these ids."""
        if self._is_one:
            yield
            return
        self._acquire(fcntl.LOCK_SH)
        positions = sorted({zlib.crc32(name.encode()) for name in ids})  # the same order for all avoids a deadlock
        try:
            for position in positions:
                fcntl.lockf(self._ids, fcntl.LOCK_EX, 1, position)
            yield
        finally:
            for position in positions:
                fcntl.lockf(self._ids, fcntl.LOCK_UN, 1, position)
            fcntl.flock(self._journals, fcntl.LOCK_UN)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Held while facts or outcomes are accepted: no other worker answers or accepts anything."""
        if self._is_one:
            yield
            return
        self._acquire(fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._journals, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the lock files."""
        for file in (self._queue, self._journals, self._ids):
            os.close(file)

    def _acquire(self, kind: int) -> None:
        fcntl.flock(self._queue, kind)  # a worker that wants the exclusive lock queues here: others cannot overtake it
        fcntl.flock(self._journals, kind)
        fcntl.flock(self._queue, fcntl.LOCK_UN)
