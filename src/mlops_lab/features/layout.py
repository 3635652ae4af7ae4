"""Facts in the order of look-ups: by entity, then by one of their two times.

Entities are numbers here, and moments microseconds since 1970. A row finds its place among the facts of its entity by a
binary search, strictly before its own time; everything else is arithmetic on places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from mlops_lab.features.exact import Integers

_ENTITY = "__entity"
ALWAYS = -(2**62)


@dataclass(frozen=True)
class Asked:
    """Rows that look something up: their moments, in the rows' order; and the same by entity, then by moment.

    `rows` is the place of each row in that second order, `entity` and `by_entity` its entity and its moment there, and
    `first` the place of the entity's first fact.
    """

    moments: Integers
    rows: Integers
    entity: Integers
    by_entity: Integers
    first: Integers


class Order:
    """Facts sorted by entity, then by one of their two times. Two orders of the same facts share entities' stretches.

    `rows` is the place of each in the table they came from.
    """

    def __init__(self, rows: Integers, entity: Integers, moments: Integers, *, entities: int) -> None:
        self.rows = rows
        self.begins = np.searchsorted(entity, np.arange(entities + 1))  # of each entity; the last one is nobody
        self._ticks = _Ticks(moments, entities)
        self._keys = entity * self._ticks.number + self._ticks.of(moments)

    def before(self, asked: Asked, *, less: int = 0) -> Integers:
        """For each asked row the place of the last fact of its entity strictly before its time; -1 where none is."""
        keys = asked.entity * self._ticks.number + self._ticks.of(asked.by_entity - less)
        found = np.searchsorted(self._keys, keys) - 1  # fast, because the keys ascend
        places = np.empty(len(found), dtype=np.int64)
        places[asked.rows] = np.where(found >= asked.first, found, -1)
        return places

    def after(self, left: Integers, last: Integers, asked: Asked) -> Integers:
        """The place after `left`, the last fact that has left the window; where none has, the entity's first place."""
        first = np.empty(len(left), dtype=np.int64)
        first[asked.rows] = asked.first
        places: Integers = np.where(left >= 0, left + 1, np.where(last >= 0, first, 0))
        return places


class _Ticks:
    """Moments as numbers from 0 to below `number`, in their order; entity times `number` plus that must not overflow.

    They are microseconds since the first fact where those fit, else the rank among the moments of all facts.
    """

    def __init__(self, moments: Integers, entities: int) -> None:
        first, last = (int(moments.min()), int(moments.max())) if len(moments) else (0, 0)
        self._first, self._ranked = first, None
        self.number = last - first + 2
        if self.number * (entities + 1) >= 2**62:
            ordered = np.sort(moments)
            self._ranked = ordered[np.append(True, ordered[1:] != ordered[:-1])]
            self.number = len(self._ranked) + 1

    def of(self, moments: Integers) -> Integers:
        """The number of each moment: above those of all facts before it, not above that of any other."""
        if self._ranked is not None:
            return np.searchsorted(self._ranked, moments)
        ticks: Integers = moments - self._first
        return np.clip(ticks, 0, self.number - 1, out=ticks)


class Layout:
    """Facts of one table, laid out by a key: in the order known, and in the order seen.

    `facts` has the columns of the table with no null in the key, and `_fact_id`; `known_at` and `seen_at` are its two
    times, those of what was always known long before all others.
    """

    def __init__(self, facts: pl.DataFrame, keys: Sequence[str]) -> None:
        self.facts = facts
        self.known_at, self.seen_at = (facts[name] for name in ("_known_at", "_seen_at"))
        self._keys = list(keys)
        self._entities = facts.select(keys).unique(maintain_order=True).with_row_index(_ENTITY)
        # what a single text is called needs no join, which would hash all entities for every batch of rows
        single = len(keys) == 1 and facts.schema[keys[0]] == pl.String
        self._texts = pl.Enum(self._entities[keys[0]]) if single else None
        self._entity = self._number([facts[key] for key in keys])
        self.known = self._order(self.known_at)
        self.seen = self.known if (self.seen_at == self.known_at).all() else self._order(self.seen_at)

    def ask(self, rows: pl.DataFrame, *, time: str, fields: Sequence[str]) -> Asked:
        """The rows as orders are asked about them; `fields` hold their keys."""
        unordered = self._number([rows[field] for field in fields])
        moments = rows[time].to_physical().to_numpy()
        order = self._sort(unordered, moments)
        entity = unordered[order]
        return Asked(moments, order, entity, moments[order], self.known.begins[entity])

    def by_name(self) -> Integers:
        """The facts in the order known, those of one entity and one moment by their ids."""
        rows = self.known.rows.copy()
        entity, moments = self._entity[rows], self.known_at.to_numpy()[rows]
        tied = np.append(False, (entity[1:] == entity[:-1]) & (moments[1:] == moments[:-1]))
        if tied.any():
            tied[:-1] |= tied[1:]
            places = np.flatnonzero(tied)
            names = self.facts["_fact_id"].gather(rows[places])
            ranked = pl.DataFrame({"entity": entity[places], "moment": moments[places], "name": names})
            rows[places] = rows[places][
                ranked.select(pl.arg_sort_by("entity", "moment", "name")).to_series().to_numpy()
            ]
        return rows

    def _number(self, keys: Sequence[pl.Series]) -> Integers:
        """The entity of each row; the number after the last where it is none of them."""
        if self._texts is not None and keys[0].dtype == pl.String:
            found = keys[0].cast(self._texts, strict=False).to_physical()
        else:
            rows = pl.DataFrame([column.alias(key) for column, key in zip(keys, self._keys, strict=True)])
            found = rows.join(self._entities, on=self._keys, how="left", maintain_order="left")[_ENTITY]
        return found.cast(pl.Int64).fill_null(self._entities.height).to_numpy()

    def _sort(self, entity: Integers, moments: Integers) -> Integers:
        """The rows by entity, then by moment."""
        rows = np.argsort(moments, kind="stable")
        small = np.uint16 if self._entities.height < 2**16 else np.uint32  # 16 bits are sorted five times faster
        return rows[np.argsort(entity[rows].astype(small), kind="stable")]

    def _order(self, times: pl.Series) -> Order:
        rows = self._sort(self._entity, times.to_numpy())
        return Order(rows, self._entity[rows], times.to_numpy()[rows], entities=self._entities.height)
