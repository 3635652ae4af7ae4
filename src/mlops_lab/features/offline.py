"""Features of many rows at once, each as of its own time: the training side of the one definition.

Facts are sorted by entity (`features.sorted_facts`); their windows are computed from indices (`features.windows`).
`features.online` computes the same values for one request; `features.exact` makes sums equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mlops_lab.features.definition import Features
from mlops_lab.features.exact import Integers
from mlops_lab.features.latest import latest_facts
from mlops_lab.features.online import ALWAYS
from mlops_lab.features.retractions import has_retractions
from mlops_lab.features.sorted_facts import LookupRows, SortedFacts
from mlops_lab.features.view import View
from mlops_lab.features.windows import WindowAggregate, WindowAggregates, Windows

_MICROSECOND = timedelta(microseconds=1)
ROWS_PER_BATCH = 500_000
Facts = Mapping[str, pl.DataFrame]
"""The facts of each table: its columns, `_known_at` and `_seen_at` (datetimes; null where a fact was always known), and
`_fact_id`, which orders facts of one moment. Where rows were corrected also `_weight`: -1 for a retraction, 1 or null
for a fact (see `features.retractions`)."""
_Map = Callable[..., Iterable[Any]]
"""`map`, or that of a pool of threads."""


def compute(features: Features, rows: pl.DataFrame, *, time: str, facts: Facts) -> pl.DataFrame:
    """The model inputs of `rows`, in their order; one row each.

    `time` names the column of `rows` that holds each row's moment. Many rows are computed in batches, so that only the
    result needs memory in proportion to them.
    """
    if rows.height > ROWS_PER_BATCH:
        return pl.concat(compute_in_batches(features, rows.iter_slices(ROWS_PER_BATCH), time=time, facts=facts))
    return features.select(look_up(features, rows, time=time, facts=facts))


def compute_in_batches(
    features: Features, batches: Iterable[pl.DataFrame], *, time: str, facts: Facts
) -> Iterator[pl.DataFrame]:
    """The model inputs of each batch of rows. Needs memory for the facts and one batch, however many rows there are."""
    index = FactIndex(features.views, facts)
    for rows in batches:
        yield index.inputs(features, rows, time=time)[0]


def look_up(features: Features, rows: pl.DataFrame, *, time: str, facts: Facts) -> pl.DataFrame:
    """`rows` with the values of all views added as columns."""
    if not features.views:
        return rows
    with ThreadPoolExecutor(max_workers=2) as pool:  # Polars and NumPy do not use all of a second core
        results = FactIndex(features.views, facts, mapper=pool.map).look_up(rows, time=time, mapper=pool.map)
    return _add_columns(rows, [result.values for result in results])


def _add_columns(rows: pl.DataFrame, values: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows with these columns, also where a request field that was declared later has the name of one."""
    names = {name for frame in values for name in frame.columns}
    return pl.concat([rows.select(name for name in rows.columns if name not in names), *values], how="horizontal")


def view_values(view: View, rows: pl.DataFrame, *, time: str, facts: pl.DataFrame) -> pl.DataFrame:
    """One column per value of the view, in the order of `rows`; defaults where there are no facts."""
    return FactIndex([view], {view.table: facts}).look_up(rows, time=time)[0].values


def refused(features: Features, rows: pl.DataFrame, *, time: str, facts: Facts) -> pl.Series:
    """Which rows a server would refuse, because a view with `missing="refuse"` has no facts for them."""
    refusing = [view for view in features.views if view.refuses]
    return _any_refused(FactIndex(refusing, facts).look_up(rows, time=time), rows.height)


class ViewColumns(NamedTuple):
    """The values of a view for some rows, a column each; and which rows it refuses (None: it never refuses)."""

    values: pl.DataFrame
    refused: pl.Series | None


class FactIndex:
    """The facts of some views, sorted once. Then any number of batches of rows can be looked up, from any thread."""

    def __init__(self, views: Sequence[View], facts: Facts, *, mapper: _Map = map) -> None:
        self._views = list(views)
        columns: dict[str, set[str]] = {}
        for view in views:
            columns.setdefault(view.table, {"_fact_id"}).update(view.columns)
        tables = {table: _select_facts(facts[table], names) for table, names in columns.items()}
        groups: dict[tuple[Any, ...], list[int]] = {}
        filters: dict[tuple[Any, ...], pl.Expr] = {}
        for number, view in enumerate(views):
            can_count = _can_count(view)
            # the facts that can count for a window can count for every longer one: equally many are the same facts
            rows = tables[view.table].select(can_count.sum()).item()
            sorting = (view.table, tuple(view.keys.values()), rows)
            filters.setdefault(sorting, can_count)
            groups.setdefault((sorting, tuple(view.keys)), []).append(number)

        def sort_facts(sorting: tuple[Any, ...]) -> SortedFacts:
            table, keys, rows = sorting
            whole = tables[table]
            return SortedFacts(whole if rows == whole.height else whole.filter(filters[sorting]), keys)

        sorted_facts = dict(zip(filters, mapper(sort_facts, filters), strict=True))

        def make_group(key: tuple[Any, ...]) -> _ViewGroup:
            sorting, fields = key
            return _ViewGroup([self._views[number] for number in groups[key]], sorted_facts[sorting], fields=fields)

        self._groups = list(zip(mapper(make_group, groups), groups.values(), strict=True))

    def look_up(self, rows: pl.DataFrame, *, time: str, mapper: _Map = map) -> list[ViewColumns]:
        """The values of each view for the rows, in the order of the views."""
        by_number: dict[int, ViewColumns] = {}
        results = mapper(lambda group: group[0].look_up(rows, time=time), self._groups)
        for (_, numbers), columns in zip(self._groups, results, strict=True):
            by_number.update(zip(numbers, columns, strict=True))
        return [by_number[number] for number in range(len(self._views))]

    def inputs(self, features: Features, rows: pl.DataFrame, *, time: str) -> tuple[pl.DataFrame, pl.Series]:
        """The model inputs of the rows, and which of the rows a server would refuse."""
        return select_inputs(features, rows, self.look_up(rows, time=time))


def select_inputs(
    features: Features, rows: pl.DataFrame, results: Sequence[ViewColumns]
) -> tuple[pl.DataFrame, pl.Series]:
    """The model inputs of the rows from the values of each view, and which of the rows a server would refuse."""
    columns = [result.values for result in results]
    values = features.select(_add_columns(rows, columns) if columns else rows)
    return values, _any_refused(results, rows.height)


def _any_refused(results: Sequence[ViewColumns], rows: int) -> pl.Series:
    any_refused = pl.repeat(False, rows, eager=True)
    for result in results:
        any_refused = any_refused if result.refused is None else any_refused | result.refused
    return any_refused


def _select_facts(facts: pl.DataFrame, columns: set[str]) -> pl.DataFrame:
    """These columns of the facts in the order known, and the two times as numbers; and the weights, if they matter."""
    own = [pl.col(name).to_physical().fill_null(ALWAYS) for name in ("_known_at", "_seen_at")]
    if has_retractions(facts):
        own.append(pl.col("_weight").fill_null(1))
    return facts.select(*own, *sorted(columns - {"_known_at", "_seen_at"})).sort("_known_at")


def _can_count(view: View) -> pl.Expr:
    """Which facts can count for a view. One that was always known is in no window; one seen too late never counts."""
    conditions = [pl.col(key).is_not_null() for key in view.keys.values()]
    if view.window:
        late = pl.col("_seen_at") - pl.col("_known_at")
        conditions += [pl.col("_known_at") != ALWAYS, late < view.window // _MICROSECOND]
    return pl.all_horizontal(conditions)


class _ViewGroup:
    """Views that look up the same entities in the same facts."""

    def __init__(self, views: Sequence[View], facts: SortedFacts, *, fields: Sequence[str]) -> None:
        self._views, self._facts, self._fields = list(views), facts, list(fields)
        aggregates = WindowAggregates(facts)
        self._aggregates = [
            [aggregates.prepare(aggregate) for aggregate in view.values.values()] if view.window else []
            for view in views
        ]
        self._latest: Integers | None = None  # for each index in the order seen
        if any(view.window is None for view in views):
            self._latest = np.append(latest_facts(facts), -1)
            self._known_at = np.append(facts.known_at.to_numpy(), ALWAYS)

    def look_up(self, rows: pl.DataFrame, *, time: str) -> list[ViewColumns]:
        """The values of each view for the rows."""
        lookups = self._facts.prepare(rows, time=time, fields=self._fields)
        last = self._facts.seen.last_before(lookups)
        return [
            self._window_values(view, lookups, last, aggregates)
            if view.window
            else self._latest_values(view, lookups, last)
            for view, aggregates in zip(self._views, self._aggregates, strict=True)
        ]

    def _latest_values(self, view: View, lookups: LookupRows, last: Integers) -> ViewColumns:
        assert self._latest is not None
        latest = self._latest[last]
        if view.stale_after is not None:
            age = lookups.moments - self._known_at[latest]
            latest = np.where(age > view.stale_after // _MICROSECOND, -1, latest)
        missing = pl.Series(latest < 0)
        row = pl.Series(latest).set(missing, None)
        columns = [pl.col(aggregate.column).gather(row).alias(name) for name, aggregate in view.values.items()]
        values = self._facts.facts.select(columns)
        values = _with_defaults(values, view, missing=lambda _: pl.lit(missing))
        return ViewColumns(values, missing if view.refuses else None)

    def _window_values(
        self, view: View, lookups: LookupRows, last: Integers, aggregates: Sequence[WindowAggregate]
    ) -> ViewColumns:
        assert view.window is not None
        known = self._facts.known
        left = known.last_before(lookups, microseconds=view.window // _MICROSECOND)
        windows = Windows(lookups, last, left, since=known.first_in_window(left, last, lookups))
        columns = [aggregate(windows).alias(name) for name, aggregate in zip(view.values, aggregates, strict=True)]
        values = pl.DataFrame(columns)
        refused = values.select(pl.any_horizontal(pl.all().is_null())).to_series() if view.refuses else None
        return ViewColumns(_with_defaults(values, view, missing=lambda name: pl.col(name).is_null()), refused)


def _with_defaults(values: pl.DataFrame, view: View, *, missing: Callable[[str], pl.Expr]) -> pl.DataFrame:
    """The values, with the view's defaults instead of nulls where `missing` is true."""
    filled = [
        pl.when(missing(name)).then(pl.lit(default, values.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, default in zip(view.values, view.defaults, strict=True)
        if default is not None
    ]
    return values.with_columns(filled) if filled else values
