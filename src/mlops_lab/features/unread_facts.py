"""Facts that were loaded as columns, and become rows only for an entity that is looked up: most never are."""

from __future__ import annotations

from typing import Any

import polars as pl

from mlops_lab.features.online import FactRow, fact_rows
from mlops_lab.features.view import View

_TIMES = ("_known_at", "_seen_at", "_fact_id", "_weight")


class UnreadFacts:
    """The facts of one view, by entity, in the order in which they were loaded."""

    def __init__(self, view: View, facts: pl.DataFrame) -> None:
        keys = list(view.keys.values())
        columns = dict.fromkeys([*keys, *view.columns, *_TIMES])
        known = facts.select(name for name in columns if name in facts.columns).drop_nulls(keys)
        self._facts = known.sort(keys, maintain_order=True)
        counts = self._facts.group_by(keys, maintain_order=True).len()
        entities = counts[keys[0]].to_list() if len(keys) == 1 else list(counts.select(keys).iter_rows())
        lengths = counts["len"].to_list()
        ends = counts["len"].cum_sum().to_list()
        self._spans = {
            entity: (end - length, length) for entity, end, length in zip(entities, ends, lengths, strict=True)
        }

    def take(self, entity: Any) -> list[FactRow]:
        """The facts of an entity; the second time, none."""
        span = self._spans.pop(entity, None)
        return [] if span is None else fact_rows(self._facts.slice(*span))

    def larger_than(self, facts: int) -> list[Any]:
        """The entities with more facts than this."""
        return [entity for entity, (_, length) in self._spans.items() if length > facts]
