"""Who may write when: the workers of a server answer side by side, but a fact or an outcome comes in alone.

What is answered depends on the facts seen before, and a fact is dated after all that was answered: so nothing may be
answered while one comes in. Between processes this needs a lock that many may share; the kernel lets go of it when its
holder dies.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Locks:
    """The locks of a project's journals. With but one worker nobody ever waits, and nothing is locked."""

    def __init__(self, path: Path, *, workers: int) -> None:
        self._is_one = workers == 1
        path.mkdir(parents=True, exist_ok=True)
        self._queue, self._turn, self._ids = (
            os.open(path / name, os.O_RDWR | os.O_CREAT, 0o644) for name in ("turn.queue", "turn.lock", "ids.lock")
        )

    @contextmanager
    def shared(self, ids: Iterable[str] = ()) -> Iterator[None]:
        """Beside others that answer, and alone with each of these ids."""
        if self._is_one:
            yield
            return
        self._wait(fcntl.LOCK_SH)
        places = sorted({zlib.crc32(name.encode()) for name in ids})  # in order: so no two wait for each other
        try:
            for place in places:
                fcntl.lockf(self._ids, fcntl.LOCK_EX, 1, place)
            yield
        finally:
            for place in places:
                fcntl.lockf(self._ids, fcntl.LOCK_UN, 1, place)
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While nobody answers and nothing else comes in."""
        if self._is_one:
            yield
            return
        self._wait(fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._queue, self._turn, self._ids):
            os.close(file)

    def _wait(self, kind: int) -> None:
        fcntl.flock(self._queue, kind)  # who wants to be alone waits here first: those who share do not overtake it
        fcntl.flock(self._turn, kind)
        fcntl.flock(self._queue, fcntl.LOCK_UN)
