"""Days that are over: which are still to be measured, and which could not be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl

from mlops_lab.clock import day_of, from_micros, to_micros
from mlops_lab.lake import Lake
from mlops_lab.monitoring.measure import UNMEASURED
from mlops_lab.monitoring.window import Window, whole_days
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tables.declared import MEASUREMENTS

MAX_DAYS = 60
"""How many days one tick measures at most. Older ones are not measured any more, and an alert says so."""
WRITER = "tick"
"""Who writes the measurements (see `writer_of`); the number of an append is the end of the day, in microseconds."""
NO_TICK = "no tick ran"
TOO_OLD = f"{NO_TICK} for more than {MAX_DAYS} days"


@dataclass(frozen=True)
class UnmeasuredTime:
    """A window of time of which something was not measured, and why."""

    window: Window
    reason: str


def writer_of(decisions: Sequence[Decision]) -> str:
    """Who writes the measurements: another one each time that the clock was set back. The positions of the one before
    lie in the future."""
    times = len(_set_back(decisions))
    return f"{WRITER} {times}" if times else WRITER


def measured_until(lake: Lake, decisions: Sequence[Decision]) -> datetime | None:
    """The end of the last day that was measured, or found to be unmeasurable; None before the first."""
    position = MEASUREMENTS.position(lake, writer_of(decisions))
    if position:
        return from_micros(position)
    if not (moments := _set_back(decisions)):
        return None
    return max((window.end for window in measured_windows(lake) if window.end <= moments[-1]), default=None)


def _set_back(decisions: Sequence[Decision]) -> list[datetime]:
    return [decision.at for decision in decisions if decision.what is DecisionKind.CLOCK]


def days_to_measure(project: Project, lake: Lake, decisions: Sequence[Decision], *, now: datetime) -> list[Window]:
    """The days that are over at `now` and not measured, oldest first, since the first version went live.

    The first begins where the last that was measured ended, also where the time zone was another one then: days neither
    overlap nor is time between them left out.
    """
    first_live = next((decision.at for decision in decisions if decision.what is DecisionKind.BOOTSTRAP), None)
    if first_live is None:
        return []
    first_live = min([first_live, *_set_back(decisions)])
    began = measured_until(lake, decisions) or day_of(first_live, project.timezone)
    return list(whole_days(began, now, project.timezone))


def split_days(days: Sequence[Window]) -> tuple[Window | None, Sequence[Window]]:
    """The time that lies too far back to be measured (None: nothing does), and the days that are measured."""
    old, recent = days[:-MAX_DAYS], days[-MAX_DAYS:]
    return Window(old[0].began, old[-1].end) if old else None, recent


def is_ticked_rarely(lake: Lake, decisions: Sequence[Decision]) -> bool:
    """Whether the tick before came too late for some days, too: then it is no sign of a wrong clock."""
    until = measured_until(lake, decisions)
    if until is None:
        return False
    last_tick = timedelta(days=MAX_DAYS, hours=2)  # what one tick measures; two changes of the clock for summer
    return any(
        time.reason == TOO_OLD and until - last_tick <= time.window.end <= until for time in unmeasured_times(lake)
    )


def position_of(window: Window, writer: str) -> tuple[str, int]:
    """What makes an append about a day happen once."""
    return writer, to_micros(window.end)


def unmeasured_times(lake: Lake) -> list[UnmeasuredTime]:
    """What was not measured since the first day that was, oldest first: what could not be, and time between two days,
    which older releases left out."""
    if not MEASUREMENTS.exists(lake):
        return []
    rows = MEASUREMENTS.read(lake, columns=["at", "window_hours", "monitor", "name"])
    noted = rows.filter(pl.col("monitor") == UNMEASURED).select("at", "window_hours", "name").iter_rows()
    failed = [UnmeasuredTime(_window(at, hours), reason) for at, hours, reason in noted]
    return sorted([*failed, *_gaps(rows)], key=lambda item: (item.window.end, item.reason))


def measured_windows(lake: Lake) -> list[Window]:
    """The windows whose answers were measured, oldest first."""
    if not MEASUREMENTS.exists(lake):
        return []
    rows = MEASUREMENTS.read(lake, columns=["at", "window_hours", "monitor"])
    return _windows(rows.filter(pl.col("monitor") == "volume"))


def _windows(rows: pl.DataFrame) -> list[Window]:
    return [_window(at, hours) for at, hours in rows.select("at", "window_hours").unique().sort("at").iter_rows()]


def _gaps(rows: pl.DataFrame) -> Iterator[UnmeasuredTime]:
    for before, after in pairwise(_windows(rows)):
        if after.began > before.end:
            yield UnmeasuredTime(Window(before.end, after.began), NO_TICK)


def _window(end: datetime, hours: float) -> Window:
    return Window(end - timedelta(hours=hours), end)
