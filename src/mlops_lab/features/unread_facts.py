"""Facts that were loaded as columns, and become rows only for an entity that is looked up: most never are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from mlops_lab.features.online import FactRow, fact_rows


class FactsByEntity:
    """Facts of one table, by entity, in the order in which they were loaded."""

    def __init__(self, facts: pl.DataFrame, keys: Sequence[str]) -> None:
        self._facts = facts.drop_nulls(keys).sort(keys, maintain_order=True)
        counts = self._facts.group_by(keys, maintain_order=True).len()
        entities = counts[keys[0]].to_list() if len(keys) == 1 else list(counts.select(keys).iter_rows())
        lengths = counts["len"].to_list()
        ends = counts["len"].cum_sum().to_list()
        self.spans = {
            entity: (end - length, length) for entity, end, length in zip(entities, ends, lengths, strict=True)
        }

    def rows_of(self, entity: Any) -> list[FactRow]:
        """The facts of an entity."""
        span = self.spans.get(entity)
        return [] if span is None else fact_rows(self._facts.slice(*span))


class UnreadFacts:
    """The facts that one view has not read yet."""

    def __init__(self, facts: FactsByEntity) -> None:
        self._facts = facts
        self._taken: set[Any] = set()

    def take(self, entity: Any) -> list[FactRow]:
        """The facts of an entity; the second time, none."""
        if entity in self._taken or entity not in self._facts.spans:
            return []
        self._taken.add(entity)
        return self._facts.rows_of(entity)

    def larger_than(self, facts: int) -> list[Any]:
        """The entities with more facts than this."""
        return [entity for entity, (_, length) in self._facts.spans.items() if length > facts]
