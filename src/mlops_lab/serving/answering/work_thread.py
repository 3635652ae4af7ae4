"""One thread that works for an event loop. A ThreadPoolExecutor costs three times the CPU of a short system call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], None]
Done = Callable[[Exception | None], None]


class WorkThread:
    """Does one piece of work after the other in a thread, and calls back in the event loop that asked for it."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Work, Done, asyncio.AbstractEventLoop] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self, work: Work, done: Done) -> None:
        """Do the work in the thread, then call `done` in the running event loop: with the exception, if there was
        one."""
        if self._thread.ident is None:
            self._thread.start()
        self._jobs.put((work, done, asyncio.get_running_loop()))

    def stop(self) -> None:
        """End the thread when all that was started is done; returns then."""
        if self._thread.ident is not None:
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, done, loop = job
            error: Exception | None = None
            try:
                work()
            except Exception as failure:
                error = failure
            if not loop.is_closed():
                loop.call_soon_threadsafe(done, error)
            del work, done, loop, error, job
