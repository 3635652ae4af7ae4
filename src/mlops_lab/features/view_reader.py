"""From rows to facts, and from facts to the values of one view: shared by all online stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from operator import add, neg
from typing import Any

from mlops_lab.features.aggregates import Aggregate
from mlops_lab.features.online import ALWAYS, Fact, FactRow, ViewResult, entity_of
from mlops_lab.features.retractions import live_facts
from mlops_lab.features.sum_terms import TERM_COUNTS, aggregate_value, extreme_value, terms
from mlops_lab.features.view import View

_MICROSECOND = timedelta(microseconds=1)


class ViewReader:
    """Reads one view: turns rows into facts, and the latest fact into values. `window` and `ttl` are microseconds."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.window = view.window // _MICROSECOND if view.window else None
        self.ttl = view.stale_after // _MICROSECOND if view.stale_after else None
        self.aggregates = list(view.values.values())
        self.columns = [aggregate.column for aggregate in self.aggregates]
        self._entity_of_row = entity_of(list(view.keys.values()))

    def entity_of(self, fact_row: FactRow) -> Any:
        """The entity of a row; None where it has none."""
        return self._entity_of_row(fact_row.row)

    def to_fact(self, fact_row: FactRow) -> tuple[Any, Fact] | None:
        """The entity and the fact of a row; None where the fact can never count."""
        entity = self._entity_of_row(fact_row.row)
        if entity is None:
            return None
        row, known, seen, id, weight = fact_row
        if self.window and (known == ALWAYS or seen - known >= self.window):
            return None
        return entity, Fact(seen, known, id, tuple([row[column] for column in self.columns]), weight)

    def from_latest(self, fact: Fact | None, moment: int) -> ViewResult:
        """The values of `last` from the latest fact."""
        if fact is None:
            return self.without_facts("unknown")
        if self.ttl is not None and moment - fact.known > self.ttl:
            return self.without_facts("stale")
        return fact.values, None

    def without_facts(self, reason: str) -> ViewResult:
        """The values where there is no fact. A window without facts still has a count and a sum: 0."""
        if not self.window:
            return self.view.defaults, reason
        values, missing = self.with_defaults(
            [0.0 if aggregate.how in {"count", "sum"} else None for aggregate in self.aggregates]
        )
        return values, reason if missing else None

    def with_defaults(self, values: list[Any]) -> ViewResult:
        """The values of a window, with the view's defaults for those that are undefined."""
        if None not in values:
            return tuple(values), None
        defaults = self.view.defaults
        filled = [default if value is None else value for value, default in zip(values, defaults, strict=True)]
        return tuple(filled), "empty"


class WindowReader(ViewReader):
    """Reads one view with a window: the running sums that its aggregates need, and the values from those sums."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._slots: list[tuple[Aggregate, int, int]] = []
        width = 0
        for aggregate in self.aggregates:
            count = TERM_COUNTS[aggregate.how]
            self._slots.append((aggregate, width, width + count))
            width += count
        self.zero = (0,) * width
        self.needs_only_sums = all(start < end for _, start, end in self._slots)
        """Whether sums are enough for all aggregates: there is no minimum and no maximum."""

    def terms_of(self, fact: Fact) -> tuple[int, ...]:
        """The terms that a fact adds to the running sums of all aggregates; a retraction takes them back."""
        added: list[int] = []
        for (aggregate, start, end), value in zip(self._slots, fact.values, strict=True):
            if start < end:
                added.extend(terms(aggregate.how, value, aggregate.of))
        return tuple(added) if fact.weight > 0 else tuple(map(neg, added))

    def from_sums(self, sums: tuple[int, ...], values_of: Callable[[int], Sequence[Any]] = lambda _: ()) -> ViewResult:
        """The values from the sums of a window. `values_of(index)` gives the values in it for one aggregate; it is
        called for a minimum or a maximum only."""
        values = [
            aggregate_value(aggregate, sums[start:end]) if start < end else extreme_value(aggregate, values_of(index))
            for index, (aggregate, start, end) in enumerate(self._slots)
        ]
        return self.with_defaults(values)

    def from_facts(self, facts: Sequence[Fact]) -> ViewResult:
        """The values from the facts and the retractions of a window."""
        sums = self.zero
        for fact in facts:
            sums = tuple(map(add, sums, self.terms_of(fact)))
        live = facts if self.needs_only_sums else live_facts(facts)
        return self.from_sums(sums, lambda index: [fact.values[index] for fact in live])
