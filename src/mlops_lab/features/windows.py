"""The aggregates of many windows at once. Whatever depends on the facts alone is computed once.

The facts in the window of a row are the first `until` in the order seen, without the first `since` in the order known.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlops_lab.features.aggregates import Aggregate
from mlops_lab.features.deviation import estimate_deviation, exact_deviation
from mlops_lab.features.exact import Floats, Integers, RunningSums, multiply
from mlops_lab.features.online import ALWAYS
from mlops_lab.features.retractions import NEVER
from mlops_lab.features.sorted_facts import LookupRows, SortedFacts

_ROWS_PER_BATCH = 10_000


@dataclass(frozen=True)
class Windows:
    """The window of each row, as indices of facts.

    `last` is the last fact seen, in the order seen. In the order known, `left` is the last fact that has left the
    window, and `since` the number of facts up to that one.
    """

    lookups: LookupRows
    last: Integers
    left: Integers
    since: Integers

    @property
    def until(self) -> Integers:
        """The number of facts seen."""
        return self.last + 1


WindowAggregate = Callable[[Windows], pl.Series]
"""Gives the value of an aggregate in each window, in the order of the rows; null where it is undefined."""


class WindowAggregates:
    """Makes the aggregates over windows of some facts. Aggregates of one column share its counts and sums."""

    def __init__(self, facts: SortedFacts) -> None:
        self._facts = facts
        self._not_null: dict[str, _Counts] = {}
        self._sums: dict[str, _Sums] = {}

    def prepare(self, aggregate: Aggregate) -> WindowAggregate:
        """The function that computes this aggregate."""
        name, facts = aggregate.column, self._facts
        column = facts.facts[name]
        if aggregate.how in {"min", "max"}:
            return _Extremes(column, facts, is_max=aggregate.how == "max")
        if name not in self._not_null:
            self._not_null[name] = _Counts(column.is_not_null(), facts)
        not_null = self._not_null[name]
        if aggregate.how == "count":
            return lambda windows: pl.Series(not_null.of(windows).astype(np.float64))
        if aggregate.how == "share":
            return _share(not_null, _Counts((column == aggregate.of).fill_null(value=False), facts))
        terms = column.cast(pl.Float64).fill_null(0.0).to_numpy()
        if name not in self._sums:
            self._sums[name] = _Sums(facts, terms)
        sums = self._sums[name]
        if aggregate.how == "sum":
            return lambda windows: pl.Series(sums.of(windows)[0])
        if aggregate.how == "mean":
            return _mean(not_null, sums)
        return _std(not_null, sums, _Sums(facts, *multiply(terms, terms)))


def _share(not_null: _Counts, equal: _Counts) -> WindowAggregate:
    def share(windows: Windows) -> pl.Series:
        count = not_null.of(windows)
        with np.errstate(divide="ignore", invalid="ignore"):
            return _null_where(count < 1, equal.of(windows) / count)

    return share


def _mean(not_null: _Counts, sums: _Sums) -> WindowAggregate:
    def mean(windows: Windows) -> pl.Series:
        count = not_null.of(windows)
        with np.errstate(divide="ignore", invalid="ignore"):
            return _null_where(count < 1, sums.of(windows)[0] / count)

    return mean


def _std(not_null: _Counts, sums: _Sums, squares: _Sums) -> WindowAggregate:
    def std(windows: Windows) -> pl.Series:
        count = not_null.of(windows)
        with np.errstate(over="ignore", invalid="ignore"):
            values, is_certain = estimate_deviation(count.astype(np.float64), sums.of(windows), squares.of(windows))
        uncertain = np.flatnonzero(~is_certain & (count >= 2))
        exact_sums = sums.exactly(windows, uncertain), squares.exactly(windows, uncertain)
        values[uncertain] = list(map(exact_deviation, count[uncertain].tolist(), *exact_sums))
        return _null_where(count < 2, values)

    return std


class _Counts:
    """The number of flagged facts in a window."""

    def __init__(self, flags: pl.Series, facts: SortedFacts) -> None:
        flagged = flags.to_numpy() if facts.weights is None else flags.to_numpy() * facts.weights
        self._entered = np.append(0, np.cumsum(flagged[facts.seen.rows]))
        is_one_order = facts.known is facts.seen
        self._left = self._entered if is_one_order else np.append(0, np.cumsum(flagged[facts.known.rows]))

    def of(self, windows: Windows) -> Integers:
        counts: Integers = self._entered[windows.until] - self._left[windows.since]
        return counts


class _Sums:
    """The exact sum of a window, as two floats."""

    def __init__(self, facts: SortedFacts, *terms: Floats) -> None:
        if facts.weights is not None:
            terms = tuple(column * facts.weights for column in terms)
        self._entered = RunningSums(*(column[facts.seen.rows] for column in terms))
        is_one_order = facts.known is facts.seen
        self._left = self._entered if is_one_order else RunningSums(*(column[facts.known.rows] for column in terms))

    def of(self, windows: Windows) -> tuple[Floats, Floats]:
        return self._entered.between((self._left, windows.since), windows.until)

    def exactly(self, windows: Windows, rows: Integers) -> list[int]:
        """The sums of some of the windows as whole numbers."""
        return self._entered.whole_between((self._left, windows.since[rows]), windows.until[rows])


class _Extremes:
    """The smallest or largest value of a window, from tables of the extremes of all blocks of 2^k values.

    The tables leave out facts that were retracted at some moment: those are looked at one by one.
    """

    def __init__(self, column: pl.Series, facts: SortedFacts, *, is_max: bool) -> None:
        self._facts, self._is_max, self._dtype = facts, is_max, column.dtype
        self._values = column.gather(facts.known.rows)
        self._seen_at = facts.seen_at.gather(facts.known.rows)
        self._physical = self._values.to_physical()
        numbers = self._physical.fill_null(0).to_numpy()
        in_tables = self._physical.is_not_null().to_numpy()
        self._retracted_at: pl.Series | None = None
        if facts.retracted_at is not None:
            retracted_at = facts.retracted_at[facts.known.rows]
            self._retracted_at = pl.Series(retracted_at)
            self._retracted = np.flatnonzero((retracted_at != NEVER) & (retracted_at != ALWAYS) & in_tables)
            in_tables = in_tables & (retracted_at == NEVER)
        self._neutral = np.array(_neutral(numbers.dtype, is_max=is_max), dtype=numbers.dtype)
        self._levels = [np.append(np.where(in_tables, numbers, self._neutral), self._neutral)]
        self._count = np.append(0, np.cumsum(in_tables))
        self._lock = threading.Lock()

    def __call__(self, windows: Windows) -> pl.Series:
        """The value in each window. Windows with facts that were known but not seen yet are computed one by one.

        Where as many facts were seen as known, they are the same facts: no fact is seen before it is known.
        """
        known = self._facts.known
        last = windows.last if known is self._facts.seen else known.last_before(windows.lookups)
        since, end = known.first_in_window(windows.left, last, windows.lookups), last + 1
        values = self._between(since, end)
        partly = np.flatnonzero(windows.last != last)
        for batch, of_batch in self._one_by_one(partly, since, end, windows):
            values = values.scatter(batch, of_batch)
        if self._retracted_at is not None:
            since, end = np.searchsorted(self._retracted, since), np.searchsorted(self._retracted, end)
            partly = np.flatnonzero((windows.last == last) & (since < end))
            for batch, of_batch in self._one_by_one(partly, since, end, windows, facts=pl.Series(self._retracted)):
                both = pl.DataFrame([values.gather(batch).alias("tables"), of_batch.alias("retracted")])
                extreme = pl.max_horizontal if self._is_max else pl.min_horizontal
                values = values.scatter(batch, both.select(extreme("tables", "retracted")).to_series())
        return values

    def _one_by_one(
        self, rows: Integers, since: Integers, end: Integers, windows: Windows, *, facts: pl.Series | None = None
    ) -> Iterator[tuple[Integers, pl.Series]]:
        """Batches of these rows, and the extreme of those of their facts from `since` to `end` that count.

        These are indices in the order known, or, with `facts`, indices of its elements, which are such indices.
        """
        moment = pl.Series(windows.lookups.moments)
        extreme = pl.col("value").max() if self._is_max else pl.col("value").min()
        for start in range(0, len(rows), _ROWS_PER_BATCH):  # bounded memory: a window can contain a whole table
            batch = rows[start : start + _ROWS_PER_BATCH]
            indices = pl.int_ranges(pl.Series(since[batch]), pl.Series(end[batch]), eager=True)
            in_window = pl.DataFrame({"row": batch, "index": indices}).explode("index").drop_nulls()
            if facts is not None:
                in_window = in_window.with_columns(facts.gather(in_window["index"]).alias("index"))
            at = moment.gather(in_window["row"])
            counts = self._seen_at.gather(in_window["index"]) < at
            if self._retracted_at is not None:
                counts &= at <= self._retracted_at.gather(in_window["index"])
            counting = in_window.filter(counts)
            counting = counting.with_columns(value=self._values.gather(counting["index"]))
            by_row = pl.DataFrame({"row": batch}).join(
                counting.group_by("row").agg(extreme), on="row", how="left", maintain_order="left"
            )
            yield batch, by_row["value"]

    def _between(self, since: Integers, end: Integers) -> pl.Series:
        pick = np.maximum if self._is_max else np.minimum
        length = end - since
        extremes = np.full(len(since), self._neutral, dtype=self._neutral.dtype)
        for power, level in enumerate(self._levels_up_to(int(length.max(initial=0)))):
            step = 2**power
            of_this_level = (length >= step) & (length < 2 * step)
            extremes[of_this_level] = pick(level[since[of_this_level]], level[end[of_this_level] - step])
        return _null_where(self._count[end] == self._count[since], extremes).cast(self._dtype)

    def _levels_up_to(self, longest: int) -> list[NDArray[Any]]:
        """The tables for blocks of up to `longest` values; each is made when it is first needed."""
        pick = np.maximum if self._is_max else np.minimum
        with self._lock:
            while 2 ** len(self._levels) <= longest:
                level, step = self._levels[-1], 2 ** (len(self._levels) - 1)
                padding = np.full(min(step, len(level)), self._neutral, dtype=level.dtype)
                self._levels.append(pick(level, np.append(level[step:], padding)))
            return self._levels[: longest.bit_length()]


def _neutral(dtype: np.dtype[Any], *, is_max: bool) -> float:
    """The value that never is the extreme while there is another one."""
    if dtype.kind == "f":
        return -np.inf if is_max else np.inf
    limits = np.iinfo(dtype)
    return int(limits.min if is_max else limits.max)


def _null_where(undefined: NDArray[np.bool_], values: NDArray[Any]) -> pl.Series:
    return pl.Series(values).set(pl.Series(undefined), None)
