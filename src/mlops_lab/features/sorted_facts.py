"""Facts sorted for look-ups: by entity, then by one of their two times.

Entities are numbers here, and moments are microseconds since 1970. A binary search gives the index of the last fact of
a row's entity strictly before the row's moment; everything else is arithmetic on such indices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from mlops_lab.features.exact import Integers
from mlops_lab.features.retractions import has_retractions, retraction_moments

_ENTITY = "__entity"


@dataclass(frozen=True)
class LookupRows:
    """Rows that look something up: their moments in the rows' order, and the rows sorted by entity, then by moment.

    The other arrays are in that sorted order: `rows` holds the original index of each row, `entity` its entity,
    `sorted_moments` its moment, and `first_fact` the index of its entity's first fact.
    """

    moments: Integers
    rows: Integers
    entity: Integers
    sorted_moments: Integers
    first_fact: Integers


class FactOrder:
    """Facts sorted by entity, then by one of their two times.

    `rows` holds the index of each fact in its table; `begins` the index, in this order, of each entity's first fact.
    The facts of one entity have the same begin and end in both orders.
    """

    def __init__(self, rows: Integers, entity: Integers, moments: Integers, *, entities: int) -> None:
        self.rows = rows
        self.begins = np.searchsorted(entity, np.arange(entities + 1))  # the last entity is the unknown one
        self._codes = _MomentCodes(moments, entities)
        self._keys = entity * self._codes.count + self._codes.of(moments)

    def last_before(self, lookups: LookupRows, *, microseconds: int = 0) -> Integers:
        """For each row the index of the last fact of its entity strictly before its moment; -1 where there is none.

        `microseconds` are subtracted from each moment first.
        """
        keys = lookups.entity * self._codes.count + self._codes.of(lookups.sorted_moments - microseconds)
        positions = np.searchsorted(self._keys, keys) - 1  # fast, because the keys are in ascending order
        indices = np.empty(len(positions), dtype=np.int64)
        indices[lookups.rows] = np.where(positions >= lookups.first_fact, positions, -1)
        return indices

    def first_in_window(self, left: Integers, last: Integers, lookups: LookupRows) -> Integers:
        """The index after `left`, the last fact that has left the window; where none has, the entity's first index.

        0 where the entity has no fact before the row's moment (`last` is -1).
        """
        first = np.empty(len(left), dtype=np.int64)
        first[lookups.rows] = lookups.first_fact
        indices: Integers = np.where(left >= 0, left + 1, np.where(last >= 0, first, 0))
        return indices


class _MomentCodes:
    """Moments as codes from 0 to `count` - 1 in the same order. Entity * `count` + code must not overflow.

    The code is the number of microseconds since the first fact, or, where that would overflow, the moment's rank among
    the moments of all facts.
    """

    def __init__(self, moments: Integers, entities: int) -> None:
        first, last = (int(moments.min()), int(moments.max())) if len(moments) else (0, 0)
        self._first, self._ranked = first, None
        self.count = last - first + 2
        if self.count * (entities + 1) >= 2**62:
            ordered = np.sort(moments)
            self._ranked = ordered[np.append(True, ordered[1:] != ordered[:-1])]
            self.count = len(self._ranked) + 1

    def of(self, moments: Integers) -> Integers:
        """The code of each moment: greater than the codes of all facts before it, and not greater than any other."""
        if self._ranked is not None:
            return np.searchsorted(self._ranked, moments)
        codes: Integers = moments - self._first
        return np.clip(codes, 0, self.count - 1, out=codes)


class SortedFacts:
    """Facts of one table sorted by a key and by each of their two times: `known` and `seen` are the two orders.

    `facts` has the columns of the table, with no null in the key, and `_fact_id`. `known_at` and `seen_at` are its two
    times; a fact that was always known has `online.ALWAYS`, which is before all others. `weights` and `retracted_at`
    (see `retractions.retraction_moments`) are None where there are no retractions.
    """

    def __init__(self, facts: pl.DataFrame, keys: Sequence[str]) -> None:
        self.facts = facts
        self.known_at, self.seen_at = (facts[name] for name in ("_known_at", "_seen_at"))
        self._keys = list(keys)
        self._entities = facts.select(keys).unique(maintain_order=True).with_row_index(_ENTITY)
        # a key of one text column is looked up without a join, which would hash all entities for every batch of rows
        is_one_text = len(keys) == 1 and facts.schema[keys[0]] == pl.String
        self._texts = pl.Enum(self._entities[keys[0]]) if is_one_text else None
        self._entity = self._entity_numbers([facts[key] for key in keys])
        self.known = self._order_by(self.known_at)
        self.seen = self.known if (self.seen_at == self.known_at).all() else self._order_by(self.seen_at)
        self.weights = facts["_weight"].to_numpy() if has_retractions(facts) else None
        self.retracted_at = retraction_moments(facts) if self.weights is not None else None

    def prepare(self, rows: pl.DataFrame, *, time: str, fields: Sequence[str]) -> LookupRows:
        """The rows prepared for look-ups in both orders; `fields` hold their keys, `time` their moments."""
        unordered = self._entity_numbers([rows[field] for field in fields])
        moments = rows[time].to_physical().to_numpy()
        order = self._sort(unordered, moments)
        entity = unordered[order]
        return LookupRows(moments, order, entity, moments[order], self.known.begins[entity])

    def rows_by_id(self) -> Integers:
        """The table indices of the facts in the order known; those of one entity and moment by id, then as seen."""
        rows = self.known.rows.copy()
        entity, moments = self._entity[rows], self.known_at.to_numpy()[rows]
        tied = np.append(False, (entity[1:] == entity[:-1]) & (moments[1:] == moments[:-1]))
        if tied.any():
            tied[:-1] |= tied[1:]
            indices = np.flatnonzero(tied)
            ids, seen = (self.facts[name].gather(rows[indices]) for name in ("_fact_id", "_seen_at"))
            ranked = pl.DataFrame({"entity": entity[indices], "moment": moments[indices], "id": ids, "seen": seen})
            rows[indices] = rows[indices][
                ranked.select(pl.arg_sort_by("entity", "moment", "id", "seen")).to_series().to_numpy()
            ]
        return rows

    def _entity_numbers(self, keys: Sequence[pl.Series]) -> Integers:
        """The number of each row's entity; the number after the last one where the entity is unknown."""
        if self._texts is not None and keys[0].dtype == pl.String:
            numbers = keys[0].cast(self._texts, strict=False).to_physical()
        else:
            rows = pl.DataFrame([column.alias(key) for column, key in zip(keys, self._keys, strict=True)])
            numbers = rows.join(self._entities, on=self._keys, how="left", maintain_order="left")[_ENTITY]
        return numbers.cast(pl.Int64).fill_null(self._entities.height).to_numpy()

    def _sort(self, entity: Integers, moments: Integers) -> Integers:
        """The indices of the rows, sorted by entity, then by moment."""
        rows = np.argsort(moments, kind="stable")
        small = np.uint16 if self._entities.height < 2**16 else np.uint32  # sorting 16 bits is five times faster
        return rows[np.argsort(entity[rows].astype(small), kind="stable")]

    def _order_by(self, times: pl.Series) -> FactOrder:
        rows = self._sort(self._entity, times.to_numpy())
        return FactOrder(rows, self._entity[rows], times.to_numpy()[rows], entities=self._entities.height)
