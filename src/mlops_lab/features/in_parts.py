"""The model inputs of many rows from facts that come in parts, oldest first: they need not all be in memory at once.

Of the parts before only those facts are carried on that rows still to come can look up (`features.needed_facts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from mlops_lab.features.definition import Features
from mlops_lab.features.needed_facts import needed_facts
from mlops_lab.features.offline import ROWS_PER_BATCH, FactIndex, ViewColumns, select_inputs
from mlops_lab.features.online import OF_FACT
from mlops_lab.features.view import View


class FactPart(NamedTuple):
    """By table, the facts that the parts before do not have; all that are known before `until` are in one of them
    (None: all facts are)."""

    until: datetime | None
    facts: Mapping[str, pl.DataFrame]


def compute_in_parts(
    features: Features, rows: pl.DataFrame, *, time: str, parts: Iterable[FactPart]
) -> tuple[pl.DataFrame, pl.Series]:
    """The model inputs of `rows`, in their order; and which of the rows a server would refuse.

    The values are those of `offline.compute` and `offline.refused`. Beside the rows and the result, memory is needed
    for one part, and for the facts of the parts before that can still be looked up.
    """
    order = None if rows[time].is_sorted() else rows[time].arg_sort()
    ordered = rows if order is None else rows[order]
    groups = [_ViewGroup(views, rows) for views in _by_entity(features.views)]
    inputs, refused, done = [], [], 0
    for part in parts:
        end = rows.height if part.until is None else int(ordered[time].search_sorted(part.until, side="left"))
        now = ordered[done:end]
        found: dict[View, ViewColumns] = {}
        for group in groups:
            group.add(part.facts)
            if now.height or rows.is_empty():
                found.update(group.look_up(now, time=time))
            if end < rows.height:
                group.forget(until=ordered[time][end])
        if now.height or rows.is_empty():
            values, is_refused = select_inputs(features, now, [found[view] for view in features.views])
            inputs.append(values)
            refused.append(is_refused)
        done = end
        if done == rows.height:
            break
    values, is_refused = pl.concat(inputs), pl.concat(refused)
    if order is None:
        return values, is_refused
    place = np.empty(rows.height, dtype=np.int64)
    place[order.to_numpy()] = np.arange(rows.height)
    return values[place] if features.inputs else values, is_refused[place]


def _by_entity(views: Sequence[View]) -> list[list[View]]:
    """The views, those together that look up the same entities in the same table."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[View]] = {}
    for view in views:
        groups.setdefault((view.table, tuple(view.keys.items())), []).append(view)
    return list(groups.values())


class _ViewGroup:
    """Views that look up the same entities, and the facts about entities that rows ask for which they still need."""

    def __init__(self, views: Sequence[View], rows: pl.DataFrame) -> None:
        self._views, self._keys, self._table = list(views), views[0].keys, views[0].table
        self._columns = sorted({name for view in views for name in view.columns} | {*OF_FACT})
        self._entities = self._asked_for(rows)
        self._facts: pl.DataFrame | None = None

    def add(self, tables: Mapping[str, pl.DataFrame]) -> None:
        """Add the facts of a part."""
        facts = tables[self._table]
        names = [name for name in facts.columns if name in self._columns]
        new = self._about(facts.select(names), self._entities)
        self._facts = new if self._facts is None else pl.concat([self._facts, new])

    def look_up(self, rows: pl.DataFrame, *, time: str) -> dict[View, ViewColumns]:
        """The values of each view for some rows."""
        assert self._facts is not None
        index = FactIndex(self._views, {self._table: self._about(self._facts, self._asked_for(rows))})
        batches = [index.look_up(batch, time=time) for batch in _batches(rows)]
        return {view: _concat(columns) for view, columns in zip(self._views, zip(*batches, strict=True), strict=True)}

    def forget(self, *, until: datetime) -> None:
        """Drop the facts that rows from then on cannot look up."""
        assert self._facts is not None
        self._facts = needed_facts(self._facts, self._views, since=until, in_order=False)

    def _asked_for(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The entities that the rows look up, by the columns of the facts."""
        return pl.DataFrame([rows[field].alias(column) for field, column in self._keys.items()]).unique()

    def _about(self, facts: pl.DataFrame, entities: pl.DataFrame) -> pl.DataFrame:
        return facts.join(entities, on=entities.columns, how="semi")


def _concat(parts: Sequence[ViewColumns]) -> ViewColumns:
    refused = [part.refused for part in parts if part.refused is not None]
    return ViewColumns(pl.concat([part.values for part in parts]), pl.concat(refused) if refused else None)


def _batches(rows: pl.DataFrame) -> Iterable[pl.DataFrame]:
    return rows.iter_slices(ROWS_PER_BATCH) if rows.height > ROWS_PER_BATCH else [rows]
