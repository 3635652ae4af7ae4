"""The facts of one entity in the order of their times, so that a read is one or two binary searches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import add, sub

from mlops_lab.features.online import Fact
from mlops_lab.features.view_reader import WindowReader


class LatestTimeline:
    """The facts of one entity for a view without a window, in the order seen.

    `best` holds, for each index, the latest fact among those seen so far.
    """

    __slots__ = ("best", "facts", "seen")

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.facts: list[Fact] = []
        self.best: list[Fact] = []

    def add(self, fact: Fact) -> None:
        """Add a fact; the latest fact is determined again for all facts seen after it."""
        index = bisect_right(self.seen, fact.seen)
        if _contains(self.facts, self.seen, fact):
            return
        self.seen.insert(index, fact.seen)
        self.facts.insert(index, fact)
        del self.best[index:]
        for other in self.facts[index:]:
            before = self.best[-1] if self.best else other
            self.best.append(max(before, other, key=_known_and_id))


class SummedFacts:
    """Facts in the order of one of their times, with the running sums of their terms."""

    __slots__ = ("facts", "sums", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.facts: list[Fact] = []
        self.sums: list[tuple[int, ...]] = []

    def add(self, time: int, fact: Fact, reader: WindowReader) -> None:
        """Add a fact; the facts after it are summed again."""
        if not self.times or time >= self.times[-1]:  # nearly always: facts arrive in order
            running = self.sums[-1] if self.sums else reader.zero
            self.times.append(time)
            self.facts.append(fact)
            self.sums.append(tuple(map(add, running, reader.terms_of(fact))))
            return
        index = bisect_right(self.times, time)
        self.times.insert(index, time)
        self.facts.insert(index, fact)
        del self.sums[index:]
        running = self.sums[-1] if self.sums else reader.zero
        for other in self.facts[index:]:
            running = tuple(map(add, running, reader.terms_of(other)))
            self.sums.append(running)


class WindowTimeline:
    """The facts of one entity for a view with a window: they enter it when seen, and leave it by when they were known.

    `seen` and `known` are one object as long as every fact was seen when it was known.
    """

    __slots__ = ("known", "seen")

    def __init__(self) -> None:
        self.seen = self.known = SummedFacts()

    def add(self, fact: Fact, reader: WindowReader) -> None:
        """Add a fact; a fact that is in it already changes nothing."""
        times = self.seen.times
        if _contains(self.seen.facts, times, fact):
            return
        if fact.seen != fact.known and self.known is self.seen:
            self.known = SummedFacts()
            self.known.times, self.known.facts = list(times), list(self.seen.facts)
            self.known.sums = list(self.seen.sums)
        self.seen.add(fact.seen, fact, reader)
        if self.known is not self.seen:
            self.known.add(fact.known, fact, reader)

    def sums_between(self, begin: int, end: int, zero: tuple[int, ...]) -> tuple[int, ...]:
        """The sums over the first `end` facts in the order seen, less those over the first `begin` in the order known.

        `zero` are the sums of no facts.
        """
        entered = self.seen.sums[end - 1] if end else zero
        left = self.known.sums[begin - 1] if begin else zero
        return tuple(map(sub, entered, left))


def _contains(facts: list[Fact], seen: list[int], fact: Fact) -> bool:
    if not seen or fact.seen > seen[-1]:  # nearly always: it is new
        return False
    return fact in facts[bisect_left(seen, fact.seen) : bisect_right(seen, fact.seen)]


def _known_and_id(fact: Fact) -> tuple[int, str]:
    return fact.known, fact.id
