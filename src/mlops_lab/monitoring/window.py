"""Windows of time that are measured: days of the project's time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mlops_lab.clock import day_start

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Window:
    """A window of time: from `began`, up to but without `end`."""

    began: datetime
    end: datetime

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.end - self.began) / _HOUR


def whole_days(began: datetime, now: datetime, zone: str) -> Iterator[Window]:
    """The days from `began` on that are over at `now`, oldest first.

    Each ends at a midnight in the time zone `zone` and begins where the one before ended. If `began` is not a midnight,
    because the time zone was another one before, the first is shorter.
    """
    local = began.astimezone(ZoneInfo(zone)).date()
    while True:
        local += timedelta(days=1)
        end = day_start(local, zone)
        if end > now:
            return
        yield Window(began, end)
        began = end
