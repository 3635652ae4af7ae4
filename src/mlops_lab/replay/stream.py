"""The year as a stream: the requests, and the facts that become known, in short stretches of time.

A stretch is as long as the soonest outcome takes, so no outcome that becomes known in it belongs to a request of it:
all its facts can be sent before its requests. An answer uses only what was known at its own moment, so it is the same
as if each fact had been sent at its own minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec
import polars as pl

from mlops_lab.clock import day_start
from mlops_lab.project import Project
from mlops_lab.replay.flights import World
from mlops_lab.tables.fields import outcome_fields, request_fields, source_fields

_encode = msgspec.json.encode


@dataclass(frozen=True)
class Stretch:
    """The events from one moment up to another: the facts that become known, and the requests in their order."""

    begin: datetime
    end: datetime
    outcomes: list[dict[str, object]]
    in_flight: list[dict[str, object]]
    """The flights that were in the air when the replay began: nobody asked about them, and now they have ended."""
    weather: list[dict[str, object]]
    requests: list[bytes]


class Stream:
    """The events from the first to the last day (both included; days in the project's time zone)."""

    def __init__(self, project: Project, world: World, *, first: date, last: date) -> None:
        self._zone = project.timezone
        self.first, self.last = first, last
        self.start = day_start(first, self._zone)
        self.end = day_start(last + timedelta(days=1), self._zone)
        flights = world.flights.filter(pl.col("scheduled_at").is_between(self.start, self.end, closed="left"))
        request_names = [field.name for field in request_fields(project)]
        outcome_names = [field.name for field in outcome_fields(project)]
        self._requests = flights.select(pl.col("flight_id").alias("id"), *request_names)
        self._outcomes = flights.select(pl.col("flight_id").alias("id"), "known_at", *outcome_names).sort(
            "known_at", "id"
        )
        scheduled, known = pl.col("scheduled_at"), pl.col("known_at")
        in_flight = world.flights.filter(scheduled < self.start, known >= self.start)
        self._in_flight = in_flight.select(field.name for field in source_fields(project)).sort("known_at", "flight_id")
        soonest = (flights["known_at"] - flights["scheduled_at"]).min()
        self._length = soonest if isinstance(soonest, timedelta) else timedelta(hours=1)  # without requests: any
        self._weather = world.weather.filter(pl.col("known_at") >= self.start)

    @property
    def days(self) -> list[date]:
        """The days, in order."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """The first moment of a day, and the first moment after it."""
        return day_start(day, self._zone), day_start(day + timedelta(days=1), self._zone)

    def count(self, *, until: datetime) -> int:
        """The number of requests before a moment."""
        return self._requests.filter(pl.col("scheduled_at") < until).height

    def play(self, day: date) -> Iterator[Stretch]:
        """The stretches of a day that are not empty. An outcome comes in a later one than its request."""
        start, end = self.bounds(day)
        requests = _Queue(
            self._requests.filter(pl.col("scheduled_at").is_between(start, end, closed="left")), "scheduled_at"
        )
        facts = [
            _Queue(_between(rows, start, end), "known_at") for rows in (self._outcomes, self._in_flight, self._weather)
        ]
        while start < end:
            until = min(start + self._length, end)
            outcomes, in_flight, weather = (queue.take(until) for queue in facts)
            asked = [_encode(row) for row in requests.take(until)]
            if outcomes or in_flight or weather or asked:
                yield Stretch(start, until, outcomes, in_flight, weather, asked)
            start = until

    def remainder(self) -> list[dict[str, object]]:
        """The outcomes that become known only after the last day."""
        return _between(self._outcomes, self.end, None).to_dicts()


class _Queue:
    """Rows in the order of their moments; `take` removes those before a moment."""

    def __init__(self, rows: pl.DataFrame, column: str) -> None:
        self._rows, self._column = rows.to_dicts(), column
        self._next = 0

    def take(self, until: datetime) -> list[dict[str, object]]:
        begin = self._next
        while self._next < len(self._rows) and self._rows[self._next][self._column] < until:
            self._next += 1
        return self._rows[begin : self._next]


def _between(rows: pl.DataFrame, start: datetime, end: datetime | None) -> pl.DataFrame:
    known = pl.col("known_at")
    return rows.filter(known >= start, known < end if end else pl.lit(value=True))
