"""The online store in the memory of this process: a timeline of facts for each view and entity."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mlops_lab.features.online import ALWAYS, Fact, FactRow, ViewResult, ViewResults
from mlops_lab.features.retractions import live_facts
from mlops_lab.features.timelines import LatestTimeline, WindowTimeline
from mlops_lab.features.view import View
from mlops_lab.features.view_reader import ViewReader, WindowReader

_ResultBetween = Callable[[WindowTimeline, int, int, int], ViewResult]


class MemoryStore:
    """Facts in this process's memory; two versions that share a view share its facts."""

    def __init__(self, views: Iterable[View]) -> None:
        self._latest: dict[str, tuple[ViewReader, dict[Any, LatestTimeline]]] = {}
        self._windows: dict[str, tuple[WindowReader, dict[Any, WindowTimeline], _ResultBetween]] = {}
        self._by_table: dict[str, list[str]] = {}
        for view in views:
            if view.window is None:
                self._latest[view.version] = ViewReader(view), {}
            else:
                reader = WindowReader(view)
                self._windows[view.version] = reader, {}, _cached_result(reader)
            self._by_table.setdefault(view.table, []).append(view.version)

    @property
    def versions(self) -> set[str]:
        """The versions of the views that it holds facts for."""
        return {*self._latest, *self._windows}

    def add(self, table: str, rows: Iterable[FactRow]) -> None:
        """Add facts of a table. Adding the same fact again changes nothing."""
        versions = self._by_table.get(table, ())
        for fact_row in rows:
            for version in versions:
                self._add(version, fact_row)

    def _add(self, version: str, fact_row: FactRow) -> None:
        if version in self._latest:
            reader, latest = self._latest[version]
            if (entity_and_fact := reader.to_fact(fact_row)) is not None:
                entity, fact = entity_and_fact
                line = latest.get(entity)
                if line is None:
                    line = latest[entity] = LatestTimeline()
                line.add(fact)
            return
        window_reader, timelines, _ = self._windows[version]
        if (entity_and_fact := window_reader.to_fact(fact_row)) is not None:
            entity, fact = entity_and_fact
            timeline = timelines.get(entity)
            if timeline is None:
                timeline = timelines[entity] = WindowTimeline()
            timeline.add(fact, window_reader)

    def read(self, view: View, entities: Sequence[Any], moments: Sequence[int]) -> ViewResults:
        """The view's values for each entity at its moment (microseconds since 1970)."""
        lookups = zip(entities, moments, strict=True)
        if view.version in self._latest:
            return _read_latest(*self._latest[view.version], lookups)
        return _read_windows(*self._windows[view.version], lookups)


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


def _read_latest(
    reader: ViewReader, lines: Mapping[Any, LatestTimeline], lookups: Iterable[tuple[Any, int]]
) -> ViewResults:
    get, ttl = lines.get, -ALWAYS * 2 if reader.ttl is None else reader.ttl
    values: list[tuple[Any, ...]] = []
    missing: dict[int, str] = {}
    for entity, moment in lookups:
        line = get(entity)
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
    lines: Mapping[Any, WindowTimeline],
    result_between: _ResultBetween,
    lookups: Iterable[tuple[Any, int]],
) -> ViewResults:
    get, window, needs_only_sums = lines.get, reader.window or 0, reader.needs_only_sums
    values: list[tuple[Any, ...]] = []
    missing: dict[int, str] = {}
    for entity, moment in lookups:
        line = get(entity)
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
