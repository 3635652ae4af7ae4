"""A past span as a stream: the requests, and the facts that become known, in short stretches of time.

A stretch ends when the first outcome of its requests becomes known, so no outcome that becomes known in it belongs to a
request of it: all its facts can be sent before its requests. An answer uses only what was known at its own moment, so
it is the same as if each fact had been sent at its own minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec
import polars as pl

from mlops_lab.clock import day_start
from mlops_lab.project import Project
from mlops_lab.tables.fields import outcome_fields, request_fields, source_fields

_encode = msgspec.json.encode


@dataclass(frozen=True)
class Stretch:
    """The events from one moment up to another: the facts that become known, and the requests in their order."""

    begin: datetime
    end: datetime
    outcomes: list[dict[str, object]]
    rows: dict[str, list[dict[str, object]]]
    """By table the rows that become known. Those of the source table were under way when the replay began: nobody asked
    about them, and now they have ended."""
    requests: list[bytes]


class Stream:
    """The events from the first to the last day (both included; days in the project's time zone).

    `facts` has the rows of the source table by the time of their request, with the moment at which the outcome was
    known, and those of each table whose rows become known at a moment, by that moment.
    """

    def __init__(self, project: Project, facts: Mapping[str, pl.DataFrame], *, first: date, last: date) -> None:
        source = project.settings.source
        self._zone, self._time = project.timezone, source.time
        self.first, self.last = first, last
        self.start = day_start(first, self._zone)
        self.end = day_start(last + timedelta(days=1), self._zone)
        time, known = pl.col(source.time), pl.col(source.known_at)
        past = facts[source.table]
        asked = past.filter(time.is_between(self.start, self.end, closed="left"))
        request_names = [field.name for field in request_fields(project)]
        outcome_names = [field.name for field in outcome_fields(project)]
        self._requests = asked.select(pl.col(source.id).alias("id"), *request_names)
        self._outcomes = asked.select(pl.col(source.id).alias("id"), known.alias("known_at"), *outcome_names).sort(
            "known_at", "id"
        )
        under_way = past.filter(time < self.start, known >= self.start).sort(source.known_at, source.id)
        self._rows = {source.table: under_way.select(field.name for field in source_fields(project))}
        self._known_at = {source.table: source.known_at}
        for name, table in project.settings.tables.items():
            if table.known_at is not None:
                self._rows[name] = facts[name].filter(pl.col(table.known_at) >= self.start)
                self._known_at[name] = table.known_at
        self._known_of_asked = asked.select(time, known).sort(time)

    @property
    def days(self) -> list[date]:
        """The days, in order."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """The first moment of a day, and the first moment after it."""
        return day_start(day, self._zone), day_start(day + timedelta(days=1), self._zone)

    def count(self, *, until: datetime) -> int:
        """The number of requests before a moment."""
        return self._requests.filter(pl.col(self._time) < until).height

    def play(self, day: date) -> Iterator[Stretch]:
        """The stretches of a day that are not empty. An outcome comes in a later one than its request."""
        start, end = self.bounds(day)
        requests = _Queue(_between(self._requests, self._time, start, end), self._time)
        outcomes = _Queue(_between(self._outcomes, "known_at", start, end), "known_at")
        queues = {
            name: _Queue(_between(rows, self._known_at[name], start, end), self._known_at[name])
            for name, rows in self._rows.items()
        }
        for until in self._cuts(start, end):
            told = outcomes.take(until)
            known = {name: queue.take(until) for name, queue in queues.items()}
            asked = [_encode(row) for row in requests.take(until)]
            if told or asked or any(known.values()):
                yield Stretch(start, until, told, known, asked)
            start = until

    def _cuts(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The ends of the stretches of a time, the last one `end`."""
        until = end
        for asked_at, known_at in _between(self._known_of_asked, self._time, start, end).iter_rows():
            if asked_at >= until:
                yield until
                until = end
            until = min(until, known_at)
        yield until
        if until < end:
            yield end

    def remainder(self) -> list[dict[str, object]]:
        """The outcomes that become known only after the last day."""
        return _between(self._outcomes, "known_at", self.end, None).to_dicts()


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


def _between(rows: pl.DataFrame, column: str, start: datetime, end: datetime | None) -> pl.DataFrame:
    moment = pl.col(column)
    return rows.filter(moment >= start, moment < end if end else pl.lit(value=True))
