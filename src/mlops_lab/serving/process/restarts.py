"""How often a process that dies is restarted: one that dies more often would die again."""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_RESTARTS, WINDOW_SECONDS = 5, 600.0


class RestartCounter:
    """Counts the restarts of the last `WINDOW_SECONDS`. `clock` gives seconds, and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._times: list[float] = []

    def count(self) -> bool:
        """Count a restart; whether it is still allowed, as one of at most `MAX_RESTARTS` within the window."""
        now = self._clock()
        self._times = [moment for moment in self._times if moment > now - WINDOW_SECONDS] + [now]
        return len(self._times) <= MAX_RESTARTS
