"""Features of many rows at once, each as of its own time: the training side of the one definition.

Facts lie sorted by entity (`features.layout`); what their windows come to is arithmetic on places (`features.windows`).
`features.online` says the same for one request; `features.exact` sees to it that sums are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mlops_lab.features.definition import Features, View
from mlops_lab.features.exact import Integers
from mlops_lab.features.layout import ALWAYS, Asked, Layout
from mlops_lab.features.windows import Aggregates, Windows

_MICROSECOND = timedelta(microseconds=1)
_ROWS_AT_ONCE = 500_000
Facts = Mapping[str, pl.DataFrame]
"""The facts of each table, with the columns `_known_at` and `_seen_at` (datetimes, null for what was always known) and
`_fact_id` (tie-break) beside its own."""
_Each = Callable[..., Iterable[Any]]


def compute(features: Features, rows: pl.DataFrame, *, time: str, facts: Facts) -> pl.DataFrame:
    """The model inputs of `rows`, in their order; one row each.

    `time` names the column of `rows` that holds each row's moment. Many rows are computed some at a time: beside what
    comes out, the memory does not grow with them.
    """
    if rows.height > _ROWS_AT_ONCE:
        return pl.concat(compute_in_batches(features, rows.iter_slices(_ROWS_AT_ONCE), time=time, facts=facts))
    return features.select(look_up(features, rows, time=time, facts=facts))


def compute_in_batches(
    features: Features, batches: Iterable[pl.DataFrame], *, time: str, facts: Facts
) -> Iterator[pl.DataFrame]:
    """The model inputs of each batch of rows: any number of rows in the memory of one batch and the facts."""
    past = Past(features.views, facts)
    for rows in batches:
        yield past.inputs(features, rows, time=time)[0]


def look_up(features: Features, rows: pl.DataFrame, *, time: str, facts: Facts) -> pl.DataFrame:
    """`rows` with the values of all views beside their own columns."""
    if not features.views:
        return rows
    with ThreadPoolExecutor(max_workers=2) as pool:  # what Polars and NumPy leave of the second core
        found = Past(features.views, facts, each=pool.map).look_up(rows, time=time, each=pool.map)
    return pl.concat([rows, *(one.values for one in found)], how="horizontal")


def view_values(view: View, rows: pl.DataFrame, *, time: str, facts: pl.DataFrame) -> pl.DataFrame:
    """One column per value of the view, in the order of `rows`; defaults where the view knows nothing."""
    return Past([view], {view.table: facts}).look_up(rows, time=time)[0].values


def refused(features: Features, rows: pl.DataFrame, *, time: str, facts: Facts) -> pl.Series:
    """Which rows a server would refuse to answer, because a view that refuses knows nothing of them."""
    asked = [view for view in features.views if view.refuses]
    return _any_refused(Past(asked, facts).look_up(rows, time=time), rows.height)


class Found(NamedTuple):
    """What a view says of some rows: a column per value; and which rows it refuses, where it is one that refuses."""

    values: pl.DataFrame
    refused: pl.Series | None


class Past:
    """The facts of some views, laid out once; then any number of batches of rows is looked up, by any threads."""

    def __init__(self, views: Sequence[View], facts: Facts, *, each: _Each = map) -> None:
        self._views = list(views)
        wanted: dict[str, set[str]] = {}
        for view in views:
            wanted.setdefault(view.table, {"_fact_id"}).update(view.columns)
        held = {table: _held(facts[table], columns) for table, columns in wanted.items()}
        groups: dict[tuple[Any, ...], list[int]] = {}
        counting: dict[tuple[Any, ...], pl.Expr] = {}
        for number, view in enumerate(views):
            counts = _counts(view)
            # the facts that count for one window count for every longer one: as many facts are the same facts
            rows = held[view.table].select(counts.sum()).item()
            layout = (view.table, tuple(view.keys.values()), rows)
            counting.setdefault(layout, counts)
            groups.setdefault((layout, tuple(view.keys)), []).append(number)

        def lay_out(key: tuple[Any, ...]) -> Layout:
            table, keys, rows = key
            every = held[table]
            return Layout(every if rows == every.height else every.filter(counting[key]), keys)

        laid = dict(zip(counting, each(lay_out, counting), strict=True))

        def group(key: tuple[Any, ...]) -> _Group:
            return _Group([self._views[number] for number in groups[key]], laid[key[0]], fields=key[1])

        self._groups = list(zip(each(group, groups), groups.values(), strict=True))

    def look_up(self, rows: pl.DataFrame, *, time: str, each: _Each = map) -> list[Found]:
        """What each view says of the rows, in the order of the views."""
        found: dict[int, Found] = {}
        answers = each(lambda group: group[0].look_up(rows, time=time), self._groups)
        for (_, numbers), values in zip(self._groups, answers, strict=True):
            found.update(zip(numbers, values, strict=True))
        return [found[number] for number in range(len(self._views))]

    def inputs(self, features: Features, rows: pl.DataFrame, *, time: str) -> tuple[pl.DataFrame, pl.Series]:
        """The model inputs of the rows, and which of them a server would refuse to answer."""
        found = self.look_up(rows, time=time)
        columns = [one.values for one in found]
        values = features.select(pl.concat([rows, *columns], how="horizontal") if columns else rows)
        return values, _any_refused(found, rows.height)


def _any_refused(found: Sequence[Found], rows: int) -> pl.Series:
    any_refused = pl.repeat(False, rows, eager=True)
    for one in found:
        any_refused = any_refused if one.refused is None else any_refused | one.refused
    return any_refused


def _held(facts: pl.DataFrame, columns: set[str]) -> pl.DataFrame:
    """The facts in the order known, their two times as numbers."""
    times = [pl.col(name).to_physical().fill_null(ALWAYS) for name in ("_known_at", "_seen_at")]
    return facts.select(*times, *sorted(columns - {"_known_at", "_seen_at"})).sort("_known_at")


def _counts(view: View) -> pl.Expr:
    """Which facts may ever count for a view: always known: in no window; seen when it has passed: never counted."""
    counts = [pl.col(key).is_not_null() for key in view.keys.values()]
    if view.window:
        late = pl.col("_seen_at") - pl.col("_known_at")
        counts += [pl.col("_known_at") != ALWAYS, late < view.window // _MICROSECOND]
    return pl.all_horizontal(counts)


class _Group:
    """Views that look up the same entities among the same facts."""

    def __init__(self, views: Sequence[View], layout: Layout, *, fields: Sequence[str]) -> None:
        self._views, self._layout, self._fields = list(views), layout, list(fields)
        aggregates = Aggregates(layout)
        self._aggregates = [
            [aggregates.prepare(aggregate) for aggregate in view.values.values()] if view.window else []
            for view in views
        ]
        self._best: Integers | None = None
        if any(view.window is None for view in views):
            known = layout.by_name()
            rank = np.empty(len(known), dtype=np.int64)
            rank[known] = np.arange(len(known))
            # of those seen so far the one known last; entities lie one after another, so a maximum never leaks
            best = known[np.maximum.accumulate(rank[layout.seen.rows])] if len(known) else known
            self._best = np.append(best, -1)
            self._known_at = np.append(layout.known_at.to_numpy(), ALWAYS)

    def look_up(self, rows: pl.DataFrame, *, time: str) -> list[Found]:
        """What each view says of the rows."""
        asked = self._layout.ask(rows, time=time, fields=self._fields)
        last = self._layout.seen.before(asked)
        return [
            self._windowed(view, asked, last, aggregates) if view.window else self._last(view, asked, last)
            for view, aggregates in zip(self._views, self._aggregates, strict=True)
        ]

    def _last(self, view: View, asked: Asked, last: Integers) -> Found:
        assert self._best is not None
        picked = self._best[last]
        if view.stale_after is not None:
            age = asked.moments - self._known_at[picked]
            picked = np.where(age > view.stale_after // _MICROSECOND, -1, picked)
        missing = pl.Series(picked < 0)
        row = pl.Series(picked).set(missing, None)
        columns = [pl.col(aggregate.column).gather(row).alias(name) for name, aggregate in view.values.items()]
        values = self._layout.facts.select(columns)
        values = _with_defaults(values, view, missing=lambda _: pl.lit(missing))
        return Found(values, missing if view.refuses else None)

    def _windowed(self, view: View, asked: Asked, last: Integers, aggregates: Sequence[Any]) -> Found:
        assert view.window is not None
        left = self._layout.known.before(asked, less=view.window // _MICROSECOND)
        windows = Windows(asked, last, left, since=self._layout.known.after(left, last, asked))
        columns = [aggregate(windows).alias(name) for name, aggregate in zip(view.values, aggregates, strict=True)]
        values = pl.DataFrame(columns)
        refused = values.select(pl.any_horizontal(pl.all().is_null())).to_series() if view.refuses else None
        return Found(_with_defaults(values, view, missing=lambda name: pl.col(name).is_null()), refused)


def _with_defaults(values: pl.DataFrame, view: View, *, missing: Callable[[str], pl.Expr]) -> pl.DataFrame:
    """The values with the view's defaults where they are missing; they are null there."""
    filled = [
        pl.when(missing(name)).then(pl.lit(default, values.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, default in zip(view.values, view.defaults, strict=True)
        if default is not None
    ]
    return values.with_columns(filled) if filled else values
