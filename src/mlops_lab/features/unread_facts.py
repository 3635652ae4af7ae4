"""Facts that were loaded as columns, and become rows only for an entity that is looked up: most never are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from mlops_lab.features.online import FactRow, entity_of, fact_rows
from mlops_lab.features.row_index import RowIndex, read_rows

_KEYS_AT_ONCE = 65_536
"""All keys at once would, as Python objects, take much memory that is never returned."""


class FactsByEntity:
    """Facts of one table, by entity, in the order in which they were loaded."""

    def __init__(self, facts: pl.DataFrame, keys: Sequence[str]) -> None:
        self._facts = facts
        self._entity_of = entity_of(keys)
        self._index = RowIndex(_entities(facts.select(keys)), count=len(facts))

    def rows_of(self, entity: Any) -> list[FactRow]:
        """The facts of an entity."""
        rows = read_rows(self._facts, self._index.rows_of(entity))
        return fact_rows(row for row in rows if self._entity_of(row) == entity)

    def larger_than(self, facts: int) -> list[Any]:
        """The entities with more facts than this."""
        rows = read_rows(self._facts, self._index.first_of_many(facts))
        return [entity for entity in map(self._entity_of, rows) if entity is not None]


def _entities(keys: pl.DataFrame) -> Iterator[Any]:
    for part in keys.iter_slices(_KEYS_AT_ONCE):
        yield from part.iter_rows() if part.width > 1 else part.to_series().to_list()


class UnreadFacts:
    """The facts that one view has not read yet."""

    def __init__(self, facts: FactsByEntity) -> None:
        self._facts = facts
        self._taken: set[Any] = set()

    def take(self, entity: Any) -> list[FactRow]:
        """The facts of an entity; the second time, none."""
        if entity is None or entity in self._taken:
            return []
        rows = self._facts.rows_of(entity)
        if rows:
            self._taken.add(entity)
        return rows

    def larger_than(self, facts: int) -> list[Any]:
        """The entities with more facts than this."""
        return self._facts.larger_than(facts)
