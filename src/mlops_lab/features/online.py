"""Features of one request, from facts held in memory: the serving side of the one definition.

Per view and entity there is a time-ordered list of facts with running sums; a read is one or two binary searches.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mlops_lab.clock import to_micros
from mlops_lab.features.definition import View

_ALWAYS = -(2**62)


class Timeline:
    """The facts of one entity in one view, in order of (moment, fact id)."""

    __slots__ = ("counts", "ids", "sums", "times", "values")

    def __init__(self, width: int) -> None:
        self.times: list[int] = []
        self.ids: list[str] = []
        self.values: list[tuple[Any, ...]] = []
        self.sums: list[list[float]] = [[] for _ in range(width)]
        self.counts: list[list[int]] = [[] for _ in range(width)]


class ViewState:
    """All facts that one view needs; `add` and `read` keep the semantics of `View`."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.window = view.window and view.window // timedelta(microseconds=1)
        self.columns = [aggregate.column for aggregate in view.values.values()]
        self.hows = [aggregate.how for aggregate in view.values.values()]
        self.entities: dict[Any, Timeline] = {}

    def add(self, row: Mapping[str, Any], known_at: datetime | None, fact_id: str) -> None:
        """Take in one fact. A fact may come late: those after it are summed anew."""
        entity = row[self.view.by]
        if entity is None or (known_at is None and self.window):
            return
        line = self.entities.get(entity)
        if line is None:
            line = self.entities[entity] = Timeline(len(self.columns))
        moment = _ALWAYS if known_at is None else to_micros(known_at)
        place = len(line.times)
        while place and (line.times[place - 1], line.ids[place - 1]) > (moment, fact_id):
            place -= 1
        values = tuple(row[column] for column in self.columns)
        line.times.insert(place, moment)
        line.ids.insert(place, fact_id)
        line.values.insert(place, values)
        if self.window:
            self._sum_from(line, place)

    def read(self, entity: Any, moment: int) -> tuple[Any, ...]:
        """The values of the entity as known strictly before `moment` (microseconds since 1970)."""
        line = self.entities.get(entity)
        end = bisect_left(line.times, moment) if line else 0
        if not self.window:
            return line.values[end - 1] if line and end else (None,) * len(self.columns)
        start = bisect_left(line.times, moment - self.window) if line else 0
        return tuple(self._windowed(line, index, start, end) for index in range(len(self.columns)))

    def _windowed(self, line: Timeline | None, index: int, start: int, end: int) -> float | None:
        how = self.hows[index]
        if line is None:
            return None if how == "mean" else 0.0
        sums, counts = line.sums[index], line.counts[index]
        number = (counts[end - 1] if end else 0) - (counts[start - 1] if start else 0)
        if how == "count":
            return float(number)
        amount = (sums[end - 1] if end else 0.0) - (sums[start - 1] if start else 0.0)
        if how == "sum":
            return amount
        return amount / number if number else None

    def _sum_from(self, line: Timeline, place: int) -> None:
        for index in range(len(self.columns)):
            sums, counts = line.sums[index], line.counts[index]
            summed = self.hows[index] != "count"  # anything can be counted, text too
            del sums[place:], counts[place:]
            running = sums[-1] if sums else 0.0
            number = counts[-1] if counts else 0
            for values in line.values[place:]:
                value = values[index]
                if value is not None:
                    running += value if summed else 0.0
                    number += 1
                sums.append(running)
                counts.append(number)


class OnlineStore:
    """The views of all live versions; two versions that share a definition share its facts."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self.states = {version: ViewState(view) for version, view in views.items()}
        self._by_table: dict[str, list[ViewState]] = {}
        for state in self.states.values():
            self._by_table.setdefault(state.view.table, []).append(state)

    def add(self, table: str, row: Mapping[str, Any], *, known_at: datetime | None, fact_id: str) -> None:
        """Take in one fact of a table."""
        for state in self._by_table.get(table, ()):
            state.add(row, known_at, fact_id)
