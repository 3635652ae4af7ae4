"""A past span as a stream: the requests, and the facts that become known, moment by moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter

import msgspec
import polars as pl

from mlops_lab.clock import day_start
from mlops_lab.project import Project
from mlops_lab.tables.fields import outcome_fields, request_fields, source_fields

_encode = msgspec.json.encode


@dataclass(frozen=True)
class Minute:
    """The events of one moment: first the facts that became known since the moment before, then the requests."""

    at: datetime
    outcomes: list[dict[str, object]]
    rows: dict[str, list[dict[str, object]]]
    """By table the rows that became known. Those of the source table were under way when the replay began: nobody asked
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
        under_way = past.filter(time < self.start, known >= self.start)
        self._rows = {source.table: under_way.select(field.name for field in source_fields(project))}
        self._known_at = {source.table: source.known_at}
        for name, table in project.settings.tables.items():
            if table.known_at is not None:
                self._rows[name] = facts[name].filter(pl.col(table.known_at) >= self.start)
                self._known_at[name] = table.known_at
        self._rows[source.table] = self._rows[source.table].sort(source.known_at, source.id)
        soonest = (asked[source.known_at] - asked[source.time]).min()
        self.soonest_outcome = soonest if isinstance(soonest, timedelta) else timedelta(0)

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

    def play(self, day: date) -> Iterator[Minute]:
        """The moments of a day that have requests, and then its end."""
        start, end = self.bounds(day)
        today = self._requests.filter(pl.col(self._time).is_between(start, end, closed="left"))
        outcomes = _FactQueue(_between(self._outcomes, start, end), "known_at")
        queues = {
            name: _FactQueue(_between(rows, start, end, known_at=column), column)
            for name, rows, column in ((name, rows, self._known_at[name]) for name, rows in self._rows.items())
        }
        for at, rows in groupby(today.iter_rows(named=True), key=itemgetter(self._time)):
            known = {name: queue.take(at) for name, queue in queues.items()}
            yield Minute(at, outcomes.take(at), known, [_encode(row) for row in rows])
        yield Minute(end, outcomes.take(end), {name: queue.take(end) for name, queue in queues.items()}, [])

    def remainder(self) -> list[dict[str, object]]:
        """The outcomes that become known only after the last day."""
        return _between(self._outcomes, self.end, None).to_dicts()


class _FactQueue:
    """Rows in the order in which they became known; `take` removes those known by a moment."""

    def __init__(self, rows: pl.DataFrame, known_at: str) -> None:
        self._rows = rows.to_dicts()
        self._known_at = known_at
        self._next = 0

    def take(self, until: datetime) -> list[dict[str, object]]:
        begin = self._next
        while self._next < len(self._rows) and self._rows[self._next][self._known_at] <= until:
            self._next += 1
        return self._rows[begin : self._next]


def _between(rows: pl.DataFrame, start: datetime, end: datetime | None, *, known_at: str = "known_at") -> pl.DataFrame:
    known = pl.col(known_at)
    return rows.filter(known >= start, known < end if end else pl.lit(value=True))
