"""How often what dies is started again: what dies more often has a reason to."""

from __future__ import annotations

import time

RESTARTS, WITHIN_SECONDS = 5, 600.0


class Restarts:
    """Counts how often something was started again lately."""

    def __init__(self) -> None:
        self._moments: list[float] = []

    def is_enough(self) -> bool:
        """Whether one more would be more than `RESTARTS` within `WITHIN_SECONDS`; counts it."""
        now = time.perf_counter()
        self._moments = [moment for moment in self._moments if moment > now - WITHIN_SECONDS] + [now]
        return len(self._moments) > RESTARTS
