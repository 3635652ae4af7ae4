"""The time that each stage of a replay took."""

from __future__ import annotations

import time


class Stopwatch:
    """Seconds by stage; exactly one stage runs at any moment."""

    def __init__(self, stage: str) -> None:
        self.seconds: dict[str, float] = {}
        self._stage = stage
        self._start_time = self._stage_start = time.perf_counter()

    def start(self, stage: str) -> None:
        """End the running stage and start another."""
        now = time.perf_counter()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._stage_start
        self._stage, self._stage_start = stage, now

    @property
    def total_seconds(self) -> float:
        """The seconds since the stopwatch was made."""
        return time.perf_counter() - self._start_time
