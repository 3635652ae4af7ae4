"""The facts of one entity in the order of their times, so that a read is one or two binary searches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import add, sub

from mlops_lab.features.online import Fact
from mlops_lab.features.retractions import in_order, latest_fact, row_of
from mlops_lab.features.view_reader import WindowReader


class LatestTimeline:
    """The facts of one entity for a view without a window, in the order seen.

    `best` holds, for each index, the latest fact among those seen so far; None where all of them are retracted.
    """

    __slots__ = ("best", "facts", "seen")

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.facts: list[Fact] = []
        self.best: list[Fact | None] = []

    def add(self, fact: Fact) -> None:
        """Add a fact; the latest fact is determined again for all facts seen after it."""
        index = bisect_right(self.seen, fact.seen)
        if _contains(self.facts, self.seen, fact):
            return
        if fact.weight > 0:
            while index and self.facts[index - 1].weight < 0 and self.seen[index - 1] == fact.seen:
                index -= 1  # a retraction comes after all facts of its moment
        self.seen.insert(index, fact.seen)
        self.facts.insert(index, fact)
        del self.best[index:]
        for position in range(index, len(self.facts)):
            self.best.append(self._best_of_first(position + 1))

    def _best_of_first(self, count: int) -> Fact | None:
        """The latest of the first `count` facts, where the one of the first `count` - 1 is determined already."""
        fact, before = self.facts[count - 1], self.best[-1] if self.best else None
        if fact.weight > 0:
            if before is None or fact.known > before.known:  # nearly always
                return fact
            return max(before, fact, key=in_order)
        if before is None or row_of(before) != row_of(fact):
            return before
        return latest_fact(self.facts[:count])


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

    __slots__ = ("has_retractions", "known", "seen")

    def __init__(self) -> None:
        self.seen = self.known = SummedFacts()
        self.has_retractions = False

    def add(self, fact: Fact, reader: WindowReader) -> None:
        """Add a fact; a fact that is in it already changes nothing."""
        times = self.seen.times
        if _contains(self.seen.facts, times, fact):
            return
        self.has_retractions |= fact.weight < 0
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
