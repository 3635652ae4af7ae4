"""Group commit: a response may be sent when its records are on the disk, and many requests share one sync."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from mlops_lab.journal.segments import segment_name, segments
from mlops_lab.journal.writer import Journal
from mlops_lab.serving.answering.work_thread import WorkThread

BEHIND_SECONDS = 0.1
"""With durability "async": the longest time between writing a record and syncing it to the disk."""
QUICK_SECONDS = 0.001
"""Syncs that are usually faster run in the event loop: that costs less than a switch to a thread and back."""
PATIENCE_SECONDS = 0.25
"""Where they are slower, how long they run in the thread before one in the event loop is tried again."""
_AVERAGE_OVER = 8
"""How many syncs the usual duration is averaged over: a single slow one does not count for much."""
_log = logging.getLogger("mlops_lab.serving")


Durable = Callable[[Exception | None], None]
"""Called when records are on the disk; with an error where the disk refused: then it is unknown what is on it."""


class Committer:
    """Syncs a journal to the disk; used in an event loop, and syncs in a thread unless the disk is fast."""

    def __init__(self, journal: Journal, *, fsync: bool) -> None:
        self._journal = journal
        self._fsync = fsync
        self._thread = WorkThread("sync")
        self._is_syncing = False
        self._waiting: list[tuple[int, Durable]] = []
        """Up to which position the journal must be on the disk, and what is called then."""
        self._when_free: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._usual_seconds = 0.0
        self._try_at = 0.0

    def commit_now(self) -> bool:
        """Whether a response need not wait for `when_durable`. Where the disk is fast, this syncs at once.

        EnvironmentFault where the disk refuses.
        """
        if self._fsync and self._journal.synced < self._journal.position:
            began = time.perf_counter()
            is_slow = self._usual_seconds > QUICK_SECONDS
            if (is_slow and began < self._try_at) or self._is_syncing:
                return False
            self._journal.sync()
            ended = time.perf_counter()
            weight = 1 if is_slow else 1 / _AVERAGE_OVER  # one fast sync shows that a slow disk is fast again
            self._usual_seconds += weight * (ended - began - self._usual_seconds)
            self._try_at = ended + PATIENCE_SECONDS
        return True

    def when_free(self, call: Callable[[], None]) -> None:
        """Call as soon as no sync is under way: what is answered during one has to wait for the next anyway."""
        if self._is_syncing:
            self._when_free.append(call)
        else:
            asyncio.get_running_loop().call_soon(call)

    def schedule_sync(self) -> None:
        """With durability "async": sync what was appended after `BEHIND_SECONDS`."""
        if not self._fsync and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BEHIND_SECONDS, self._begin_sync)

    def when_durable(self, call: Durable, others: Sequence[Path] = ()) -> None:
        """Call when everything appended so far is on the disk, also in these journals of other workers; at once with
        durability "async"."""
        if not self._fsync:
            self.schedule_sync()
            call(None)
        elif others:
            self._thread.start(partial(_sync_others, others), partial(self._note_others, call))
        else:
            self._waiting.append((self._journal.position, call))
            self._sync_for_waiting()

    async def wait_until_durable(self) -> None:
        """As `when_durable`, for a coroutine. EnvironmentFault where the disk refuses."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def note(error: Exception | None) -> None:
            if durable.done():  # its client has disconnected
                return
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)

        self.when_durable(note)
        await durable

    def close(self) -> None:
        """Stop syncing; the journal's `close` syncs a last time."""
        if self._timer is not None:
            self._timer.cancel()
        self._thread.stop()

    def _note_others(self, call: Durable, error: Exception | None) -> None:
        if error is None:
            self.when_durable(call)
        else:
            call(error)

    def _sync_for_waiting(self) -> None:
        if self._waiting and not self._is_syncing:
            self._is_syncing = True
            self._thread.start(self._journal.sync, self._note_synced)

    def _note_synced(self, error: Exception | None) -> None:
        self._is_syncing = False
        waiting, self._waiting = self._waiting, []
        for position, call in waiting:
            if error is None and position > self._journal.synced:  # was appended while the sync was under way
                self._waiting.append((position, call))
            else:
                asyncio.get_running_loop().call_soon(call, error)  # one that fails must not keep the others waiting
        free, self._when_free = self._when_free, []
        for call_free in free:
            self.when_free(call_free)
        self._sync_for_waiting()

    def _begin_sync(self) -> None:
        self._timer = None
        self._thread.start(self._journal.sync, _log_failure)


def _log_failure(error: Exception | None) -> None:
    if error is not None:
        _log.error("the last answers are not on the disk yet: %s", error)


def _sync_others(paths: Sequence[Path]) -> None:
    """Sync the newest segment of other workers' journals; they synced the earlier ones themselves."""
    for path in paths:
        for start in segments(path)[-1:]:
            file = os.open(path / segment_name(start), os.O_RDONLY)
            try:
                os.fdatasync(file)
            finally:
                os.close(file)
