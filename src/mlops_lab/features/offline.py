"""Features of many rows at once, each as of its own time: the training side of the one definition.

Facts lie sorted by entity; a row finds its place among those of its entity by an as-of join, strictly before its own
time; everything else is arithmetic on places. `features.online` says the same for one request; `features.exact` sees to
it that sums are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlops_lab.features.definition import Aggregate, Features, View
from mlops_lab.features.exact import Floats, Integers, RunningSums, multiply, variance

_TIME, _ROW, _ENTITY, _PLACE, _AT = "__time", "__row", "__entity", "__place", "__at"
_ALWAYS = -(2**62)
_MICROSECOND = timedelta(microseconds=1)
_AT_ONCE = 10_000
_ROWS_AT_ONCE = 500_000


def compute(features: Features, rows: pl.DataFrame, *, time: str, facts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The model inputs of `rows`, in their order; one row each.

    `time` names the column of `rows` that holds each row's moment. `facts` maps a table to its rows with the columns
    `_known_at` and `_seen_at` (datetimes, null for what was always known) and `_fact_id` (tie-break) beside its own.
    Many rows are computed some at a time: beside what comes out, the memory does not grow with them.
    """
    if rows.height > _ROWS_AT_ONCE:
        return pl.concat(compute_in_batches(features, rows.iter_slices(_ROWS_AT_ONCE), time=time, facts=facts))
    return features.select(look_up(features, rows, time=time, facts=facts))


def compute_in_batches(
    features: Features, batches: Iterable[pl.DataFrame], *, time: str, facts: Mapping[str, pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """The model inputs of each batch of rows: any number of rows in the memory of one batch and the facts."""
    found = {view.name: _Past(view, facts[view.table]) for view in features.views}
    for rows in batches:
        columns = [found[view.name].look_up(rows, time=time)[0] for view in features.views]
        yield features.select(pl.concat([rows, *columns], how="horizontal") if columns else rows)


def look_up(features: Features, rows: pl.DataFrame, *, time: str, facts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """`rows` with the values of all views beside their own columns."""
    if not features.views:
        return rows
    with ThreadPoolExecutor(max_workers=2) as pool:  # what Polars and NumPy leave of the second core
        columns = pool.map(lambda view: view_values(view, rows, time=time, facts=facts[view.table]), features.views)
        return pl.concat([rows, *columns], how="horizontal")


def view_values(view: View, rows: pl.DataFrame, *, time: str, facts: pl.DataFrame) -> pl.DataFrame:
    """One column per value of the view, in the order of `rows`; defaults where the view knows nothing."""
    return _Past(view, facts).look_up(rows, time=time)[0]


def refused(features: Features, rows: pl.DataFrame, *, time: str, facts: Mapping[str, pl.DataFrame]) -> pl.Series:
    """Which rows a server would refuse to answer, because a view that refuses knows nothing of them."""
    found = pl.repeat(False, rows.height, eager=True)
    for view in features.views:
        if view.refuses:
            found = found | _Past(view, facts[view.table]).look_up(rows, time=time)[1]
    return found


@dataclass(frozen=True)
class _Order:
    """Facts sorted by entity, then by one of their two times. Two orders of the same facts share entities' stretches.

    `rows` is the place of each in the table they came from; `first` the place of the first one of its entity.
    """

    frame: pl.DataFrame
    rows: Integers
    first: Integers

    def before(self, asked: pl.DataFrame, *, less: int = 0) -> Integers:
        """For each asked row the place of the last fact of its entity strictly before its time; -1 where none is."""
        left = asked.with_columns(pl.col(_TIME) - less) if less else asked
        found = left.join_asof(
            self.frame,
            left_on=_TIME,
            right_on=_AT,
            by=_ENTITY,
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,  # both sides are, within entities, and Polars cannot check that
        )
        places = np.empty(asked.height, dtype=np.int64)
        places[found[_ROW].to_numpy()] = found[_PLACE].fill_null(-1).to_numpy()
        return places


class _Past:
    """The facts of one view, laid out for look-ups. Entities are numbers here, and moments microseconds since 1970."""

    def __init__(self, view: View, facts: pl.DataFrame) -> None:
        self._view = view
        self._keys = list(view.keys)
        self._column = {column: f"__{number}" for number, column in enumerate(view.columns)}
        keys = [self._column[column] for column in view.keys.values()]
        held = facts.select(
            pl.col("_known_at").to_physical().fill_null(_ALWAYS),
            pl.col("_seen_at").to_physical().fill_null(_ALWAYS),
            "_fact_id",
            *(pl.col(column).alias(short) for column, short in self._column.items()),
        ).drop_nulls(keys)
        if view.window:  # always known: in no window; seen when the window has passed it: never counted
            late = pl.col("_seen_at") - pl.col("_known_at")
            held = held.filter(pl.col("_known_at") != _ALWAYS, late < view.window // _MICROSECOND)
        self._entities = held.select(
            pl.col(key).alias(name) for key, name in zip(keys, self._keys, strict=True)
        ).unique(maintain_order=True).with_row_index(_ENTITY)  # fmt: skip
        self._facts = held
        self._entity = held.select(pl.col(key).alias(name) for key, name in zip(keys, self._keys, strict=True)).join(
            self._entities, on=self._keys, how="left", maintain_order="left"
        )[_ENTITY].to_numpy()  # fmt: skip
        on_time = bool((held["_seen_at"] == held["_known_at"]).all())
        self._known = self._order("_known_at")
        self._seen = self._known if on_time else self._order("_seen_at")

    def _order(self, time: str) -> _Order:
        moments = self._facts[time].to_numpy()
        rows = np.argsort(moments, kind="stable")
        small = np.uint16 if self._entities.height < 2**16 else np.uint32  # 16 bits are sorted five times faster
        rows = rows[np.argsort(self._entity[rows].astype(small), kind="stable")]
        entity, moment = self._entity[rows], moments[rows]
        tied = np.append(False, (entity[1:] == entity[:-1]) & (moment[1:] == moment[:-1]))
        if tied.any():
            tied[:-1] |= tied[1:]
            places = np.flatnonzero(tied)
            names = self._facts["_fact_id"].gather(rows[places])
            ranked = pl.DataFrame({"entity": entity[places], "moment": moment[places], "name": names})
            rows[places] = rows[places][
                ranked.select(pl.arg_sort_by("entity", "moment", "name")).to_series().to_numpy()
            ]
        places = np.arange(len(rows))
        begins = np.append(True, entity[1:] != entity[:-1])[: len(rows)]
        first = np.maximum.accumulate(np.where(begins, places, 0)) if len(rows) else places
        return _Order(pl.DataFrame({_ENTITY: entity, _AT: moment, _PLACE: places}), rows, first)

    def look_up(self, rows: pl.DataFrame, *, time: str) -> tuple[pl.DataFrame, pl.Series]:
        """The values for each row, and whether the view knew nothing of it."""
        asked = rows.select(pl.col(time).to_physical().alias(_TIME), *self._keys).with_row_index(_ROW)
        asked = asked.join(self._entities, on=self._keys, how="left", maintain_order="left").drop(self._keys)
        return self._last(asked) if self._view.window is None else self._windowed(asked)

    # ---- the latest fact ------------------------------------------------------------------------------------------

    def _last(self, asked: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        until = self._seen.before(asked.sort(_TIME))
        known = self._known.rows
        rank = np.empty(len(known), dtype=np.int64)
        rank[known] = np.arange(len(known))
        # of those seen so far the one known last; entities lie one after another, so a maximum never leaks
        best = known[np.maximum.accumulate(rank[self._seen.rows])] if len(known) else known
        picked = pl.Series(np.append(best, -1)[until])
        missing = picked < 0
        row = _fill(picked, missing, None)
        if self._view.stale_after is not None:
            age = asked[_TIME] - self._facts["_known_at"].gather(row)
            missing = missing | (age > self._view.stale_after // _MICROSECOND).fill_null(value=False)
        values = []
        for (name, aggregate), default in zip(self._view.values.items(), self._view.defaults, strict=True):
            column = self._facts[self._column[aggregate.column]].gather(row)
            values.append(_fill(column, missing, default).alias(name))
        return pl.DataFrame(values), missing

    # ---- a window -------------------------------------------------------------------------------------------------

    def _windowed(self, asked: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        assert self._view.window is not None
        known, in_time = self._known, asked.sort(_TIME)
        last = self._seen.before(in_time)
        left = known.before(in_time, less=self._view.window // _MICROSECOND)
        window = _Window(self._seen, known, since=_after(left, last, self._seen), until=last + 1)
        columns: list[pl.Series] = []
        undefined = pl.repeat(False, asked.height, eager=True)
        for (name, aggregate), default in zip(self._view.values.items(), self._view.defaults, strict=True):
            column = self._facts[self._column[aggregate.column]]
            if aggregate.how in {"min", "max"}:
                value = self._extreme(aggregate, column, left=left, seen=last, asked=asked)
            else:
                value = _aggregate(aggregate, column, window)
            undefined = undefined | value.is_null()
            columns.append(_fill(value, value.is_null(), default).alias(name))
        return pl.DataFrame(columns), undefined

    def _extreme(
        self, aggregate: Aggregate, column: pl.Series, *, left: Integers, seen: Integers, asked: pl.DataFrame
    ) -> pl.Series:
        """The least or greatest value of the window; where some of what was known in it was not seen yet, one by one.

        As many facts seen as known: they are the same ones, for a fact is never seen before it is known.
        """
        known = self._known
        last = seen if known is self._seen else known.before(asked.sort(_TIME))
        since, end = _after(left, last, known), last + 1
        ordered = column.gather(known.rows)
        found = _range_extreme(ordered, since, end, greatest=aggregate.how == "max")
        partly = np.flatnonzero(seen != last)
        moment = self._facts["_seen_at"].gather(known.rows)
        for start in range(0, len(partly), _AT_ONCE):  # bounded memory: a window may hold a whole table
            some = partly[start : start + _AT_ONCE]
            places = pl.int_ranges(pl.Series(since[some]), pl.Series(end[some]), eager=True)
            each = pl.DataFrame({"row": some, "place": places}).explode("place").drop_nulls()
            each = each.filter(moment.gather(each["place"]) < asked[_TIME].gather(each["row"]))
            each = each.with_columns(value=ordered.gather(each["place"]))
            how = pl.col("value").max() if aggregate.how == "max" else pl.col("value").min()
            met = pl.DataFrame({"row": some}).join(
                each.group_by("row").agg(how), on="row", how="left", maintain_order="left"
            )
            found = found.scatter(some, met["value"])
        return found


@dataclass(frozen=True)
class _Window:
    """The facts that count for each row: the first `until` in the order seen less the first `since` in that known."""

    seen: _Order
    known: _Order
    since: Integers
    until: Integers

    def sums(self, *terms: Floats) -> tuple[Floats, Floats]:
        entered = RunningSums(*(column[self.seen.rows] for column in terms))
        left = entered if self.known is self.seen else RunningSums(*(column[self.known.rows] for column in terms))
        return entered.between((left, self.since), self.until)

    def count(self, flags: NDArray[np.bool_]) -> Integers:
        entered, left = (np.append(0, np.cumsum(flags[order.rows])) for order in (self.seen, self.known))
        counted: Integers = entered[self.until] - left[self.since]
        return counted


def _aggregate(aggregate: Aggregate, column: pl.Series, window: _Window) -> pl.Series:
    held = column.is_not_null().to_numpy()
    number = window.count(held)
    if aggregate.how == "count":
        return pl.Series(number.astype(np.float64))
    enough = number >= (2 if aggregate.how == "std" else 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if aggregate.how == "share":
            equal = window.count((column == aggregate.of).fill_null(value=False).to_numpy())
            return _fill(pl.Series(equal / number), pl.Series(~enough), None)
        terms = column.cast(pl.Float64).fill_null(0.0).to_numpy()
        high, low = window.sums(terms)
        if aggregate.how == "sum":
            return pl.Series(high)
        if aggregate.how == "mean":
            return _fill(pl.Series(high / number), pl.Series(~enough), None)
        squares = window.sums(*multiply(terms, terms))
        spread = np.sqrt(np.maximum(variance(number.astype(np.float64), (high, low), squares), 0.0))
        return _fill(pl.Series(spread), pl.Series(~enough), None)


def _range_extreme(values: pl.Series, since: Integers, end: Integers, *, greatest: bool) -> pl.Series:
    """The extreme of each stretch, by a table of the extremes of all stretches of 2^k values; null where all are."""
    physical = values.to_physical()
    numbers = physical.fill_null(0).to_numpy()
    worst = np.array(_worst(numbers.dtype, greatest=greatest), dtype=numbers.dtype)
    level = np.append(np.where(physical.is_not_null().to_numpy(), numbers, worst), worst)
    pick = np.maximum if greatest else np.minimum
    length = end - since
    found = np.full(len(since), worst, dtype=numbers.dtype)
    step = 1
    while (length >= step).any():
        here = (length >= step) & (length < 2 * step)
        found[here] = pick(level[since[here]], level[end[here] - step])
        level = pick(level, np.append(level[step:], np.full(min(step, len(level)), worst, dtype=numbers.dtype)))
        step *= 2
    held = np.append(0, np.cumsum(physical.is_not_null().to_numpy()))
    empty = pl.Series(held[end] - held[since] == 0)
    return _fill(pl.Series(found, dtype=physical.dtype).cast(values.dtype), empty, None)


def _worst(dtype: np.dtype[Any], *, greatest: bool) -> float:
    if dtype.kind == "f":
        return -np.inf if greatest else np.inf
    limits = np.iinfo(dtype)
    return int(limits.min if greatest else limits.max)


def _after(left: Integers, last: Integers, order: _Order) -> Integers:
    """The place after `left`, the last fact that has left the window; where none has, the entity's first place."""
    places: Integers = np.where(left >= 0, left + 1, np.append(order.first, 0)[last])
    return places


def _fill(column: pl.Series, missing: pl.Series, default: object) -> pl.Series:
    if not missing.any() or (default is None and column.filter(missing).null_count() == missing.sum()):
        return column
    return pl.select(pl.when(missing).then(pl.lit(default, column.dtype)).otherwise(column)).to_series()
