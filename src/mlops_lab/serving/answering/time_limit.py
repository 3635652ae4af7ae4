"""Requests from clients whose clock is ahead: they are answered as of now, and do not move time for anybody else.

A fact that arrives after an answer must not count for that answer when its features are computed again. So it counts
from the moment of the newest answer on. One answer as of a moment far ahead would hide every later fact until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mlops_lab import clock
from mlops_lab.clock import to_micros
from mlops_lab.tables.trusted_moments import MAX_JUMP, TRUSTED_ROWS

_JUMP_MICROS = MAX_JUMP // timedelta(microseconds=1)


class TimeLimit:
    """As of when requests are answered: their own time, and at the latest a moment that can be trusted.

    With the machine's clock that is now. With the clock of the data it is `MAX_JUMP` after the newest moment; a request
    dated later is answered as of the newest, until there were `TRUSTED_ROWS` of them without another one between.
    """

    def __init__(self, *, uses_wall_clock: bool) -> None:
        self._uses_wall_clock = uses_wall_clock
        self._far_ahead = 0
        self.limited = 0
        """How many requests were answered as of an earlier moment than their own."""

    def apply(self, moments: Sequence[int], *, newest: datetime | None) -> Sequence[int]:
        """The moments (microseconds since 1970) as of which requests of these moments are answered. `newest` is that of
        the newest answer or fact."""
        if self._uses_wall_clock:
            now = to_micros(clock.now())
            return moments if max(moments) <= now else self._limit(moments, now, now)
        if newest is None:
            return moments
        last = to_micros(newest)
        if max(moments) <= last + _JUMP_MICROS:
            self._far_ahead = 0
            return moments
        self._far_ahead += sum(moment > last + _JUMP_MICROS for moment in moments)
        if self._far_ahead >= TRUSTED_ROWS:
            self._far_ahead = 0
            return moments
        return self._limit(moments, last + _JUMP_MICROS, last)

    def _limit(self, moments: Sequence[int], limit: int, instead: int) -> list[int]:
        limited = [moment if moment <= limit else instead for moment in moments]
        self.limited += sum(moment > limit for moment in moments)
        return limited
