"""The online store in the memory of this process: a timeline of facts for each view and entity."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

import polars as pl

from mlops_lab.features.online import ALWAYS, OF_FACT, Fact, FactRow, ViewResult, ViewResults
from mlops_lab.features.retractions import live_facts
from mlops_lab.features.timelines import LatestTimeline, WindowTimeline
from mlops_lab.features.unread_facts import FactsByEntity, UnreadFacts
from mlops_lab.features.view import View, columns_by_table
from mlops_lab.features.view_reader import ViewReader, WindowReader

Timeline = TypeVar("Timeline", LatestTimeline, WindowTimeline)
_ResultBetween = Callable[[WindowTimeline, int, int, int], ViewResult]


READ_AT_ONCE = 1000
"""An entity with more facts is read when they are loaded: it would keep the first request for it waiting."""


class MemoryStore:
    """Facts in this process's memory; two versions that share a view share its facts."""

    def __init__(self, views: Iterable[View]) -> None:
        self._latest: dict[str, tuple[ViewReader, _Lines[LatestTimeline]]] = {}
        self._windows: dict[str, tuple[WindowReader, _Lines[WindowTimeline], _ResultBetween]] = {}
        self._lines: dict[str, list[_Lines[Any]]] = {}
        """By table, those of the views that read it."""
        views = list(views)
        self._columns = columns_by_table(views)
        for view in views:
            lines: _Lines[Any]
            if view.window is None:
                reader = ViewReader(view)
                lines = _Lines(reader, LatestTimeline, LatestTimeline.add)
                self._latest[view.version] = reader, lines
            else:
                window_reader = WindowReader(view)
                lines = _Lines(window_reader, WindowTimeline, partial(WindowTimeline.add, reader=window_reader))
                self._windows[view.version] = window_reader, lines, _cached_result(window_reader)
            self._lines.setdefault(view.table, []).append(lines)

    @property
    def versions(self) -> set[str]:
        """The versions of the views that it holds facts for."""
        return {*self._latest, *self._windows}

    def load(self, table: str, facts: pl.DataFrame, *, since: int | None = None) -> None:
        """Add facts of a table that has none yet. Those of an entity are read when it is looked up first, but for those
        that no window reaches from `since` on."""
        needed = {*OF_FACT, *self._columns.get(table, ())}
        facts = facts.select(name for name in facts.columns if name in needed)
        by_keys: dict[tuple[str, ...], FactsByEntity] = {}
        for lines in self._lines.get(table, ()):
            keys = lines.fact_keys
            if keys not in by_keys:
                by_keys[keys] = FactsByEntity(facts, keys)
            lines.load(by_keys[keys], since=since)

    def add(self, table: str, rows: Iterable[FactRow]) -> None:
        """Add facts of a table. Adding the same fact again changes nothing."""
        all_lines = self._lines.get(table, ())
        for fact_row in rows:
            for lines in all_lines:
                lines.add(fact_row)

    def read(self, view: View, entities: Sequence[Any], moments: Sequence[int]) -> ViewResults:
        """The view's values for each entity at its moment (microseconds since 1970)."""
        lookups = zip(entities, moments, strict=True)
        if view.version in self._latest:
            return _read_latest(*self._latest[view.version], lookups)
        return _read_windows(*self._windows[view.version], lookups)


class _Lines(dict[Any, Timeline]):
    """The timelines of one view by entity, as far as they were read; `find` reads that of another entity."""

    def __init__(
        self, reader: ViewReader, make: Callable[[], Timeline], extend: Callable[[Timeline, Fact], None]
    ) -> None:
        super().__init__()
        self._reader = reader
        self._make: Callable[[], Timeline] = make
        self._extend: Callable[[Timeline, Fact], None] = extend
        self._unread: UnreadFacts | None = None

    @property
    def fact_keys(self) -> tuple[str, ...]:
        """The columns of a fact that say whose it is."""
        return tuple(self._reader.view.keys.values())

    def load(self, facts: FactsByEntity, *, since: int | None) -> None:
        window = self._reader.window
        self._unread = UnreadFacts(facts, oldest=None if since is None or window is None else since - window)
        for entity in self._unread.larger_than(READ_AT_ONCE):
            self.find(entity)

    def find(self, entity: Any) -> Timeline | None:
        """The timeline of an entity that is not in the dictionary; None where it has no facts."""
        if self._unread is None:
            return None
        for fact_row in self._unread.take(entity):
            self._put(fact_row)
        return self.get(entity)

    def add(self, fact_row: FactRow) -> None:
        if self._unread is not None and (entity := self._reader.entity_of(fact_row)) not in self:
            self.find(entity)
        self._put(fact_row)

    def _put(self, fact_row: FactRow) -> None:
        entity_and_fact = self._reader.to_fact(fact_row)
        if entity_and_fact is not None:
            entity, fact = entity_and_fact
            line = self.get(entity)
            if line is None:
                line = self[entity] = self._make()
            self._extend(line, fact)


def _cached_result(reader: WindowReader) -> _ResultBetween:
    """The values of a part of a timeline, cached: until a fact is added, the same windows recur.

    The number of facts in the timeline is part of the cache's key, so that an added fact makes old entries unused.
    """

    @lru_cache(maxsize=4096)
    def result_between(line: WindowTimeline, begin: int, end: int, fact_count: int) -> ViewResult:
        del fact_count
        return reader.from_sums(line.sums_between(begin, end, reader.zero))

    return result_between


# One loop for all entities of a request: most of the time of a read would be spent on function calls.


def _read_latest(reader: ViewReader, lines: _Lines[LatestTimeline], lookups: Iterable[tuple[Any, int]]) -> ViewResults:
    get, ttl = lines.get, -ALWAYS * 2 if reader.ttl is None else reader.ttl
    values: list[tuple[Any, ...]] = []
    missing: dict[int, str] = {}
    for entity, moment in lookups:
        line = get(entity) or lines.find(entity)
        end = bisect_left(line.seen, moment) if line is not None else 0
        latest = line.best[end - 1] if line is not None and end else None
        if latest is not None and moment - latest.known <= ttl:
            values.append(latest.values)
            continue
        missing[len(values)] = "no_key" if entity is None else "unknown" if latest is None else "stale"
        values.append(reader.view.defaults)
    return values, missing


def _read_windows(
    reader: WindowReader,
    lines: _Lines[WindowTimeline],
    result_between: _ResultBetween,
    lookups: Iterable[tuple[Any, int]],
) -> ViewResults:
    get, window, needs_only_sums = lines.get, reader.window or 0, reader.needs_only_sums
    values: list[tuple[Any, ...]] = []
    missing: dict[int, str] = {}
    for entity, moment in lookups:
        line = get(entity) or lines.find(entity)
        if line is None:
            result, reason = reader.without_facts("no_key" if entity is None else "empty")
        else:
            seen = line.seen.times
            begin, end = bisect_left(line.known.times, moment - window), bisect_left(seen, moment)
            if needs_only_sums:
                result, reason = result_between(line, begin, end, len(seen))
            else:
                result, reason = _read_with_extremes(reader, line, begin, end, moment)
        if reason is not None:
            missing[len(values)] = reason
        values.append(result)
    return values, missing


def _read_with_extremes(reader: WindowReader, line: WindowTimeline, begin: int, end: int, moment: int) -> ViewResult:
    """The values of a window with a minimum or a maximum, which needs the facts themselves."""
    known = line.known
    facts: Sequence[Fact] = [
        fact for fact in known.facts[begin : bisect_left(known.times, moment)] if fact.seen < moment
    ]
    if line.has_retractions:
        facts = live_facts(facts)
    sums = line.sums_between(begin, end, reader.zero)
    return reader.from_sums(sums, lambda index: [fact.values[index] for fact in facts])
