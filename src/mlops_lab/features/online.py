"""Features of one request, from facts held in memory: the serving side of the one definition.

Per view and entity there is a time-ordered list of facts with running sums; a read is one or two binary searches.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import add, itemgetter, sub
from typing import Any, NamedTuple, Protocol

from mlops_lab.clock import to_micros
from mlops_lab.features.definition import Aggregate, View
from mlops_lab.features.exact import multiply, to_double, to_whole, variance

ALWAYS = -(2**62)
_MICROSECOND = timedelta(microseconds=1)


class Fact(NamedTuple):
    """One fact as a view keeps it: when it was seen and known (microseconds since 1970), its id, its values."""

    seen: int
    known: int
    id: str
    values: tuple[Any, ...]


Found = tuple[tuple[Any, ...], str | None]
"""What a view says of an entity: its values, and why they are defaults, if they are."""
AllFound = tuple[list[tuple[Any, ...]], dict[int, str]]
"""What a view says of some entities: the values of each, and by its place why they are defaults, where they are."""


class OnlineStore(Protocol):
    """Keeps facts, and says what a view knew of an entity at a moment. One suite tests all of them."""

    def add(self, table: str, rows: Iterable[TimedRow]) -> None:
        """Take in facts of a table. The same fact again changes nothing."""

    def read(self, view: View, entities: Sequence[Any], moments: Sequence[int]) -> AllFound:
        """What the view says of each entity at its moment (microseconds since 1970). Never fails: see `Found`."""


class TimedRow(NamedTuple):
    """A row of a table with its two times and its name among the facts of one moment."""

    row: Mapping[str, Any]
    known: int
    seen: int
    id: str


def timed_row(row: Mapping[str, Any], known_at: datetime | None, seen_at: datetime | None, name: str) -> TimedRow:
    """The row with its times as the stores count them; None: always."""
    known = ALWAYS if known_at is None else to_micros(known_at)
    seen = ALWAYS if seen_at is None else known if seen_at == known_at else to_micros(seen_at)  # one object for both
    return TimedRow(row, known, max(seen, known), name)


class ViewReader:
    """How one view turns rows into facts, and facts into values: what all stores share."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.window = view.window // _MICROSECOND if view.window else None
        self.ttl = view.stale_after // _MICROSECOND if view.stale_after else None
        self.aggregates = list(view.values.values())
        self.columns = [aggregate.column for aggregate in self.aggregates]
        keys = list(view.keys)
        self.entity_of_request = entity_of(keys)
        self._entity_of_row = entity_of(list(view.keys.values()))

    def to_fact(self, timed: TimedRow) -> tuple[Any, Fact] | None:
        """The entity and the fact in a row; None where it can never count."""
        entity = self._entity_of_row(timed.row)
        if entity is None:
            return None
        row, known, seen, name = timed
        if self.window and (known == ALWAYS or seen - known >= self.window):
            return None
        return entity, Fact(seen, known, name, tuple([row[column] for column in self.columns]))

    def latest(self, fact: Fact | None, moment: int) -> Found:
        """What `last` makes of the latest fact."""
        if fact is None:
            return self.nothing("unknown")
        if self.ttl is not None and moment - fact.known > self.ttl:
            return self.nothing("stale")
        return fact.values, None

    def defined(self, values: list[Any]) -> Found:
        """The values of a window, with defaults for those it holds nothing for."""
        if None not in values:
            return tuple(values), None
        defaults = self.view.defaults
        filled = [default if value is None else value for value, default in zip(values, defaults, strict=True)]
        return tuple(filled), "empty"

    def nothing(self, reason: str) -> Found:
        """What the view says where there is no fact to ask: a window without facts still counts them."""
        if not self.window:
            return self.view.defaults, reason
        values, missing = self.defined(
            [0.0 if aggregate.how in {"count", "sum"} else None for aggregate in self.aggregates]
        )
        return values, reason if missing else None


def entity_of(names: Sequence[str]) -> Any:
    """A function from a row to its entity: the value of its key, or a tuple of them; None where one is null."""
    if len(names) == 1:
        return itemgetter(names[0])
    pick = itemgetter(*names)

    def entity(row: Mapping[str, Any]) -> tuple[Any, ...] | None:
        values: tuple[Any, ...] = pick(row)
        return None if None in values else values

    return entity


# ---- terms: what running sums add up, for each aggregate ------------------------------------------------------------


@lru_cache(maxsize=4096)  # the same few values come again and again
def terms(how: str, value: Any, of: Any) -> tuple[int, ...]:
    """What one value adds to the running sums of an aggregate: (number, sum, sum of squares), as far as it needs."""
    if value is None:
        return (0,) * _widths[how]
    if how == "count":
        return (1,)
    if how == "share":
        return 1, int(value == of)
    number = float(value)
    if how != "std":
        return 1, to_whole(number)
    high, low = multiply(number, number)
    return 1, to_whole(number), to_whole(high) + to_whole(low)


_widths = {"count": 1, "sum": 2, "mean": 2, "share": 2, "std": 3, "min": 0, "max": 0, "last": 0}


def settle(aggregate: Aggregate, sums: Sequence[int]) -> float | None:
    """The value of an aggregate out of the sums of its terms; None where it is undefined."""
    number = sums[0]
    if aggregate.how == "count":
        return float(number)
    if aggregate.how == "sum":
        return to_double(sums[1])[0]
    if not number:
        return None
    if aggregate.how == "share":
        return sums[1] / number
    total = to_double(sums[1])
    if aggregate.how == "mean":
        return total[0] / number
    if number < 2:
        return None
    return math.sqrt(max(variance(float(number), total, to_double(sums[2])), 0.0))


def extreme(aggregate: Aggregate, values: Iterable[Any]) -> Any:
    """The least or greatest of the values that are not null; None where there are none."""
    held = [value for value in values if value is not None]
    if not held:
        return None
    return max(held) if aggregate.how == "max" else min(held)


# ---- in memory -----------------------------------------------------------------------------------------------------


class Latest:
    """The facts of one entity for a view without a window: when each was seen, and which was then the latest."""

    __slots__ = ("best", "facts", "seen")

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.facts: list[Fact] = []
        self.best: list[Fact] = []

    def add(self, fact: Fact) -> None:
        """Take in a fact; those seen after it are compared anew."""
        place = bisect_right(self.seen, fact.seen)
        if _holds(self.facts, self.seen, fact):
            return
        self.seen.insert(place, fact.seen)
        self.facts.insert(place, fact)
        del self.best[place:]
        for other in self.facts[place:]:
            before = self.best[-1] if self.best else other
            self.best.append(max(before, other, key=_knowing))


def _holds(facts: list[Fact], seen: list[int], fact: Fact) -> bool:
    if not seen or fact.seen > seen[-1]:  # as nearly always
        return False
    return fact in facts[bisect_left(seen, fact.seen) : bisect_right(seen, fact.seen)]


def _knowing(fact: Fact) -> tuple[int, str]:
    return fact.known, fact.id


class Order:
    """Facts by one of their times, with running sums of what each adds."""

    __slots__ = ("facts", "sums", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.facts: list[Fact] = []
        self.sums: list[tuple[int, ...]] = []

    def add(self, time: int, fact: Fact, reader: WindowReader) -> None:
        """Insert a fact; those after it are summed anew."""
        if not self.times or time >= self.times[-1]:  # as nearly always
            running = self.sums[-1] if self.sums else reader.zero
            self.times.append(time)
            self.facts.append(fact)
            self.sums.append(tuple(map(add, running, reader.terms_of(fact))))
            return
        place = bisect_right(self.times, time)
        self.times.insert(place, time)
        self.facts.insert(place, fact)
        del self.sums[place:]
        running = self.sums[-1] if self.sums else reader.zero
        for other in self.facts[place:]:
            running = tuple(map(add, running, reader.terms_of(other)))
            self.sums.append(running)


class Timeline:
    """The facts of one entity for a window: they enter it when seen, and leave it by when they were known.

    Both orders are one as long as every fact was seen when it was known.
    """

    __slots__ = ("known", "seen")

    def __init__(self) -> None:
        self.seen = self.known = Order()

    def add(self, fact: Fact, reader: WindowReader) -> None:
        """Take in a fact."""
        times = self.seen.times
        if _holds(self.seen.facts, times, fact):
            return
        if fact.seen != fact.known and self.known is self.seen:
            self.known = Order()
            self.known.times, self.known.facts = list(times), list(self.seen.facts)
            self.known.sums = list(self.seen.sums)
        self.seen.add(fact.seen, fact, reader)
        if self.known is not self.seen:
            self.known.add(fact.known, fact, reader)

    def sums_between(self, begin: int, end: int, zero: tuple[int, ...]) -> tuple[int, ...]:
        """The sums over the first `end` facts that were seen, without the first `begin` that were known."""
        entered = self.seen.sums[end - 1] if end else zero
        left = self.known.sums[begin - 1] if begin else zero
        return tuple(map(sub, entered, left))


class WindowReader(ViewReader):
    """A view with a window: which sums its aggregates need, and how they come out of them."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._slots: list[tuple[Aggregate, int, int]] = []
        width = 0
        for aggregate in self.aggregates:
            wide = _widths[aggregate.how]
            self._slots.append((aggregate, width, width + wide))
            width += wide
        self.zero = (0,) * width
        self.is_summed = all(start < end for _, start, end in self._slots)
        """Whether sums say all: no least, no greatest."""
        # while no fact comes in, a window says the same again and again
        self.between = lru_cache(maxsize=4096)(self._between)

    def terms_of(self, fact: Fact) -> tuple[int, ...]:
        """What a fact adds to the running sums of all aggregates."""
        added: list[int] = []
        for (aggregate, start, end), value in zip(self._slots, fact.values, strict=True):
            if start < end:
                added.extend(terms(aggregate.how, value, aggregate.of))
        return tuple(added)

    def of_sums(self, sums: tuple[int, ...], within: Callable[[int], Sequence[Any]] = lambda _: ()) -> Found:
        """The values out of the sums of a window; `within(index)` gives the values of one aggregate's column in it,
        and is not asked where sums say all."""
        values = [
            settle(aggregate, sums[start:end]) if start < end else extreme(aggregate, within(index))
            for index, (aggregate, start, end) in enumerate(self._slots)
        ]
        return self.defined(values)

    def _between(self, line: Timeline, begin: int, end: int, facts: int) -> Found:
        """What the facts of a timeline say, which has so many of them: see `Timeline.sums_between`."""
        del facts
        return self.of_sums(line.sums_between(begin, end, self.zero))

    def of_facts(self, facts: Sequence[Fact]) -> Found:
        """The values out of the facts of a window."""
        sums = self.zero
        for fact in facts:
            sums = tuple(map(add, sums, self.terms_of(fact)))
        return self.of_sums(sums, lambda index: [fact.values[index] for fact in facts])


class MemoryStore:
    """Facts in this process's memory; two versions that share a view share its facts."""

    def __init__(self, views: Iterable[View]) -> None:
        self._latest: dict[str, tuple[ViewReader, dict[Any, Latest]]] = {}
        self._windows: dict[str, tuple[WindowReader, dict[Any, Timeline]]] = {}
        self._by_table: dict[str, list[str]] = {}
        for view in views:
            if view.window is None:
                self._latest[view.version] = ViewReader(view), {}
            else:
                self._windows[view.version] = WindowReader(view), {}
            self._by_table.setdefault(view.table, []).append(view.version)

    @property
    def versions(self) -> set[str]:
        """The views it holds facts for."""
        return {*self._latest, *self._windows}

    def add(self, table: str, rows: Iterable[TimedRow]) -> None:
        """Take in facts of a table. The same fact again changes nothing."""
        versions = self._by_table.get(table, ())
        for timed in rows:
            for version in versions:
                self._add(version, timed)

    def _add(self, version: str, timed: TimedRow) -> None:
        if version in self._latest:
            reader, latest = self._latest[version]
            if (found := reader.to_fact(timed)) is not None:
                line = latest.get(found[0])
                if line is None:
                    line = latest[found[0]] = Latest()
                line.add(found[1])
            return
        windowed, timelines = self._windows[version]
        if (found := windowed.to_fact(timed)) is not None:
            timeline = timelines.get(found[0])
            if timeline is None:
                timeline = timelines[found[0]] = Timeline()
            timeline.add(found[1], windowed)

    def read(self, view: View, entities: Sequence[Any], moments: Sequence[int]) -> AllFound:
        """What the view says of each entity at its moment (microseconds since 1970)."""
        asked = zip(entities, moments, strict=True)
        if view.version in self._latest:
            return _read_latest(*self._latest[view.version], asked)
        return _read_windows(*self._windows[view.version], asked)


# One loop for all: what a request costs here is mostly the way from one function to the next.


def _read_latest(reader: ViewReader, lines: Mapping[Any, Latest], asked: Iterable[tuple[Any, int]]) -> AllFound:
    get, ttl = lines.get, -ALWAYS * 2 if reader.ttl is None else reader.ttl
    values: list[tuple[Any, ...]] = []
    missing: dict[int, str] = {}
    for entity, moment in asked:
        line = get(entity)
        end = bisect_left(line.seen, moment) if line is not None else 0
        if line is not None and end:
            _, known, _, latest = line.best[end - 1]
            if moment - known <= ttl:
                values.append(latest)
                continue
        missing[len(values)] = "no_key" if entity is None else "stale" if end else "unknown"
        values.append(reader.view.defaults)
    return values, missing


def _read_windows(reader: WindowReader, lines: Mapping[Any, Timeline], asked: Iterable[tuple[Any, int]]) -> AllFound:
    get, window, between, is_summed = lines.get, reader.window or 0, reader.between, reader.is_summed
    values: list[tuple[Any, ...]] = []
    missing: dict[int, str] = {}
    for entity, moment in asked:
        line = get(entity)
        if line is None:
            found, reason = reader.nothing("no_key" if entity is None else "empty")
        else:
            seen = line.seen.times
            begin, end = bisect_left(line.known.times, moment - window), bisect_left(seen, moment)
            if is_summed:
                found, reason = between(line, begin, end, len(seen))
            else:
                found, reason = _read_extremes(reader, line, begin, end, moment)
        if reason is not None:
            missing[len(values)] = reason
        values.append(found)
    return values, missing


def _read_extremes(reader: WindowReader, line: Timeline, begin: int, end: int, moment: int) -> Found:
    known = line.known
    met = [fact for fact in known.facts[begin : bisect_left(known.times, moment)] if fact.seen < moment]
    sums = line.sums_between(begin, end, reader.zero)
    return reader.of_sums(sums, lambda index: [fact.values[index] for fact in met])
