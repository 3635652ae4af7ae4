"""Facts that were loaded as columns, and become rows only for an entity that is looked up: most never are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from mlops_lab.features.online import ALWAYS, FactRow, entity_of, fact_rows
from mlops_lab.features.row_index import RowIndex, in_slices, read_rows
from mlops_lab.schemas.casts import MOMENT


class FactsByEntity:
    """Facts of one table, by entity, in the order in which they were loaded."""

    def __init__(self, facts: pl.DataFrame, keys: Sequence[str]) -> None:
        self._facts = facts
        self._entity_of = entity_of(keys)
        self._known = facts["_known_at"].cast(MOMENT).to_physical().fill_null(ALWAYS).to_numpy()
        self._index = RowIndex(in_slices(facts.select(keys)), count=len(facts))

    def rows_of(self, entity: Any, *, oldest: int | None = None) -> list[FactRow]:
        """The facts of an entity, without those that were known before `oldest`."""
        numbers = self._index.rows_of(entity)
        if oldest is not None:
            numbers = numbers[self._known[numbers] >= oldest]
        return fact_rows(row for row in read_rows(self._facts, numbers) if self._entity_of(row) == entity)

    def larger_than(self, facts: int) -> list[Any]:
        """The entities with more facts than this."""
        rows = read_rows(self._facts, self._index.first_of_many(facts))
        return [entity for entity in map(self._entity_of, rows) if entity is not None]


class UnreadFacts:
    """The facts that one view has not read yet, without those that were known before `oldest`."""

    def __init__(self, facts: FactsByEntity, *, oldest: int | None = None) -> None:
        self._facts = facts
        self._oldest = oldest
        self._taken: set[Any] = set()

    def take(self, entity: Any) -> list[FactRow]:
        """The facts of an entity; the second time, none."""
        if entity is None or entity in self._taken:
            return []
        rows = self._facts.rows_of(entity, oldest=self._oldest)
        if rows:
            self._taken.add(entity)
        return rows

    def larger_than(self, facts: int) -> list[Any]:
        """The entities with more facts than this."""
        return self._facts.larger_than(facts)
