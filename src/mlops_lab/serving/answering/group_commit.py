"""When an answer may be given: group commit, so that many requests wait for one sync of the disk."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlops_lab.errors import MlopsError
from mlops_lab.journal.segments import segment_name, segments
from mlops_lab.journal.writer import Journal

BEHIND_SECONDS = 0.1
"""With durability "async": how long after it is written down an answer may not be on the disk yet."""
QUICK_SECONDS = 0.001
"""Syncs that usually take no longer cost less in the event loop than the way to a thread and back."""
PATIENCE_SECONDS = 0.25
"""Where they take longer, how long they are left to the thread before one is tried again."""
_MEMORY = 8
"""How many syncs make what is usual: a single slow one does not."""
_log = logging.getLogger("mlops_lab.serving")


class Committer:
    """Brings a journal to the disk; lives in an event loop, and syncs in a thread unless the disk is quick."""

    def __init__(self, journal: Journal, *, fsync: bool) -> None:
        self._journal = journal
        self._fsync = fsync
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sync")
        self._sync: asyncio.Future[None] | None = None
        self._behind: asyncio.TimerHandle | None = None
        self._usual_seconds = 0.0
        self._try_at = 0.0

    def commit_now(self) -> bool:
        """Whether what was appended so far need not be waited for; where the disk is quick, by a sync at once.

        EnvironmentFault where the disk refuses.
        """
        if self._fsync and self._journal.synced < self._journal.position:
            began = time.perf_counter()
            is_slow = self._usual_seconds > QUICK_SECONDS
            if (is_slow and began < self._try_at) or (self._sync is not None and not self._sync.done()):
                return False
            self._journal.sync()
            ended = time.perf_counter()
            weight = 1 if is_slow else 1 / _MEMORY  # whether a slow disk has become quick, one sync tells
            self._usual_seconds += weight * (ended - began - self._usual_seconds)
            self._try_at = ended + PATIENCE_SECONDS
        return True

    def follow(self) -> None:
        """With durability "async": see that what was appended is on the disk before long."""
        if not self._fsync and self._behind is None:
            self._behind = asyncio.get_running_loop().call_later(BEHIND_SECONDS, self._catch_up)

    async def durable(self, others: Sequence[Path] = ()) -> None:
        """Return when all that was appended so far is on the disk, also in the journals of these others; at once with
        durability "async".

        EnvironmentFault where the disk refuses: it may be there, or not.
        """
        if not self._fsync:
            self.follow()
            return
        if others:
            await asyncio.get_running_loop().run_in_executor(self._thread, _sync_others, others)
        position = self._journal.position
        while self._journal.synced < position:
            if self._sync is None or self._sync.done():  # one that is done may not have covered what came last
                self._sync = asyncio.get_running_loop().run_in_executor(self._thread, self._journal.sync)
                self._sync.add_done_callback(_take_note)
            await asyncio.shield(self._sync)

    def close(self) -> None:
        """Stop syncing; the journal's `close` does it a last time."""
        if self._behind is not None:
            self._behind.cancel()
        self._thread.shutdown()

    def _catch_up(self) -> None:
        self._behind = None
        self._thread.submit(self._sync_quietly)

    def _sync_quietly(self) -> None:
        try:
            self._journal.sync()
        except MlopsError as error:
            _log.error("what was answered is not on the disk yet: %s", error)


def _take_note(sync: asyncio.Future[None]) -> None:
    """Those who wait get what went wrong; where none waits any more, that is no reason to complain."""
    if not sync.cancelled():
        sync.exception()


def _sync_others(paths: Sequence[Path]) -> None:
    """Have the newest segment of other workers' journals on the disk: they are kept on it up to there."""
    for path in paths:
        for start in segments(path)[-1:]:
            file = os.open(path / segment_name(start), os.O_RDONLY)
            try:
                os.fdatasync(file)
            finally:
                os.close(file)
