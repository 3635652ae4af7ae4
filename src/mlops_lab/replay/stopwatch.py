"""Where the time went."""

from __future__ import annotations

import time


class Stopwatch:
    """Seconds by stage: at any moment exactly one stage runs."""

    def __init__(self, stage: str) -> None:
        self.seconds: dict[str, float] = {}
        self._stage = stage
        self._began = self._since = time.perf_counter()

    def start(self, stage: str) -> None:
        """End the present stage and begin another."""
        now = time.perf_counter()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    @property
    def stage(self) -> str:
        """The stage that runs."""
        return self._stage

    @property
    def total_seconds(self) -> float:
        """The time since the beginning."""
        return time.perf_counter() - self._began
