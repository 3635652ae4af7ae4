"""The model inputs of many rows from facts that come in parts, oldest first: they need not all be in memory at once.

Of the parts before only those facts are carried on that rows still to come can look up (`features.needed_facts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from mlops_lab.features.definition import Features
from mlops_lab.features.needed_facts import needed_facts
from mlops_lab.features.offline import ROWS_PER_BATCH, FactIndex
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
    views_of = {view.table: [other for other in features.views if other.table == view.table] for view in features.views}
    asked_for = {view: _entities(view, rows) for view in features.views}
    held: dict[str, pl.DataFrame] = {}
    inputs, refused, done = [], [], 0
    for part in parts:
        for table, views in views_of.items():
            new = _asked_for(part.facts[table], {view: asked_for[view] for view in views})
            held[table] = pl.concat([held[table], new]) if table in held else new
        end = rows.height if part.until is None else int(ordered[time].search_sorted(part.until, side="left"))
        if end > done or rows.is_empty():
            index = FactIndex(features.views, held)
            for batch in _batches(ordered[done:end]):
                values, is_refused = index.inputs(features, batch, time=time)
                inputs.append(values)
                refused.append(is_refused)
            del index
        done = end
        if done == rows.height:
            break
        since = ordered[time][done]
        held = {
            table: needed_facts(held[table], views, since=since, in_order=False) for table, views in views_of.items()
        }
    values, is_refused = pl.concat(inputs), pl.concat(refused)
    if order is None:
        return values, is_refused
    place = np.empty(rows.height, dtype=np.int64)
    place[order.to_numpy()] = np.arange(rows.height)
    return values[place] if features.inputs else values, is_refused[place]


def _batches(rows: pl.DataFrame) -> Iterable[pl.DataFrame]:
    return rows.iter_slices(ROWS_PER_BATCH) if rows.height > ROWS_PER_BATCH else [rows]


def _entities(view: View, rows: pl.DataFrame) -> pl.DataFrame:
    """The entities that the rows look up, by the columns of the facts."""
    return pl.DataFrame([rows[field].alias(column) for field, column in view.keys.items()]).unique()


def _asked_for(facts: pl.DataFrame, entities: Mapping[View, pl.DataFrame]) -> pl.DataFrame:
    """The facts about an entity that a row looks up in one of the views."""
    numbered = facts.with_row_index("__row")
    found = [
        numbered.select("__row", *keys.columns).join(keys, on=keys.columns, how="semi")["__row"]
        for keys in entities.values()
    ]
    return facts[pl.concat(found).unique().sort()]
