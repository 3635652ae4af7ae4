"""Group commit: a response may be sent when its records are on the disk, and many requests share one sync."""

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
"""With durability "async": the longest time between writing a record and syncing it to the disk."""
QUICK_SECONDS = 0.001
"""Syncs that are usually faster run in the event loop: that costs less than a switch to a thread and back."""
PATIENCE_SECONDS = 0.25
"""Where they are slower, how long they run in the thread before one in the event loop is tried again."""
_AVERAGE_OVER = 8
"""How many syncs the usual duration is averaged over: a single slow one does not count for much."""
_log = logging.getLogger("mlops_lab.serving")


class Committer:
    """Syncs a journal to the disk; used in an event loop, and syncs in a thread unless the disk is fast."""

    def __init__(self, journal: Journal, *, fsync: bool) -> None:
        self._journal = journal
        self._fsync = fsync
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sync")
        self._sync: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._usual_seconds = 0.0
        self._try_at = 0.0

    def commit_now(self) -> bool:
        """Whether a response need not wait for `wait_until_durable`. Where the disk is fast, this syncs at once.

        EnvironmentFault where the disk refuses.
        """
        if self._fsync and self._journal.synced < self._journal.position:
            began = time.perf_counter()
            is_slow = self._usual_seconds > QUICK_SECONDS
            if (is_slow and began < self._try_at) or (self._sync is not None and not self._sync.done()):
                return False
            self._journal.sync()
            ended = time.perf_counter()
            weight = 1 if is_slow else 1 / _AVERAGE_OVER  # one fast sync shows that a slow disk is fast again
            self._usual_seconds += weight * (ended - began - self._usual_seconds)
            self._try_at = ended + PATIENCE_SECONDS
        return True

    def schedule_sync(self) -> None:
        """With durability "async": sync what was appended after `BEHIND_SECONDS`."""
        if not self._fsync and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BEHIND_SECONDS, self._begin_sync)

    async def wait_until_durable(self, others: Sequence[Path] = ()) -> None:
        """Wait until everything appended so far is on the disk, also in these journals of other workers.

        Returns at once with durability "async". EnvironmentFault where the disk refuses: then it is unknown what is on
        the disk.
        """
        if not self._fsync:
            self.schedule_sync()
            return
        if others:
            await asyncio.get_running_loop().run_in_executor(self._thread, _sync_others, others)
        position = self._journal.position
        while self._journal.synced < position:
            if self._sync is None or self._sync.done():  # a finished sync may not cover the last append
                self._sync = asyncio.get_running_loop().run_in_executor(self._thread, self._journal.sync)
                self._sync.add_done_callback(_retrieve_error)
            await asyncio.shield(self._sync)

    def close(self) -> None:
        """Stop syncing; the journal's `close` syncs a last time."""
        if self._timer is not None:
            self._timer.cancel()
        self._thread.shutdown()

    def _begin_sync(self) -> None:
        self._timer = None
        self._thread.submit(self._sync_and_log)

    def _sync_and_log(self) -> None:
        try:
            self._journal.sync()
        except MlopsError as error:
            _log.error("the last answers are not on the disk yet: %s", error)


def _retrieve_error(sync: asyncio.Future[None]) -> None:
    """Mark an error as seen: those who wait get it, and without any asyncio must not log it as forgotten."""
    if not sync.cancelled():
        sync.exception()


def _sync_others(paths: Sequence[Path]) -> None:
    """Sync the newest segment of other workers' journals; they synced the earlier ones themselves."""
    for path in paths:
        for start in segments(path)[-1:]:
            file = os.open(path / segment_name(start), os.O_RDONLY)
            try:
                os.fdatasync(file)
            finally:
                os.close(file)
