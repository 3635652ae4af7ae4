"""What the facts of a window come to, for many rows at once. All that depends on the facts alone is computed once.

The facts that count for a row are the first `until` in the order seen less the first `since` in the order known.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlops_lab.features.definition import Aggregate
from mlops_lab.features.exact import Floats, Integers, RunningSums, multiply, variance
from mlops_lab.features.layout import Asked, Layout

_AT_ONCE = 10_000


@dataclass(frozen=True)
class Windows:
    """The window of each asked row: the places of the last fact seen, and of the last one known that has left it."""

    asked: Asked
    last: Integers
    left: Integers
    since: Integers

    @property
    def until(self) -> Integers:
        """The number of facts seen."""
        return self.last + 1


Aggregated = Callable[[Windows], pl.Series]
"""The value of an aggregate in each window, in the order of the rows; null where it is undefined."""


class Aggregates:
    """The aggregates over windows of some facts. Those of one column share what is counted and summed up of it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._held: dict[str, _Counts] = {}
        self._sums: dict[str, _Sums] = {}

    def prepare(self, aggregate: Aggregate) -> Aggregated:
        """One of them."""
        name, layout = aggregate.column, self._layout
        column = layout.facts[name]
        if aggregate.how in {"min", "max"}:
            return _Extremes(column, layout, greatest=aggregate.how == "max")
        if name not in self._held:
            self._held[name] = _Counts(column.is_not_null(), layout)
        held = self._held[name]
        if aggregate.how == "count":
            return lambda windows: pl.Series(held.of(windows).astype(np.float64))
        if aggregate.how == "share":
            return _share(held, _Counts((column == aggregate.of).fill_null(value=False), layout))
        terms = column.cast(pl.Float64).fill_null(0.0).to_numpy()
        if name not in self._sums:
            self._sums[name] = _Sums(layout, terms)
        sums = self._sums[name]
        if aggregate.how == "sum":
            return lambda windows: pl.Series(sums.of(windows)[0])
        if aggregate.how == "mean":
            return _mean(held, sums)
        return _std(held, sums, _Sums(layout, *multiply(terms, terms)))


def _share(held: _Counts, equal: _Counts) -> Aggregated:
    def share(windows: Windows) -> pl.Series:
        number = held.of(windows)
        with np.errstate(divide="ignore", invalid="ignore"):
            return _null_where(number < 1, equal.of(windows) / number)

    return share


def _mean(held: _Counts, sums: _Sums) -> Aggregated:
    def mean(windows: Windows) -> pl.Series:
        number = held.of(windows)
        with np.errstate(divide="ignore", invalid="ignore"):
            return _null_where(number < 1, sums.of(windows)[0] / number)

    return mean


def _std(held: _Counts, sums: _Sums, squares: _Sums) -> Aggregated:
    def std(windows: Windows) -> pl.Series:
        number = held.of(windows)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = variance(number.astype(np.float64), sums.of(windows), squares.of(windows))
            return _null_where(number < 2, np.sqrt(np.maximum(spread, 0.0)))

    return std


class _Counts:
    """How many facts of a window are flagged."""

    def __init__(self, flags: pl.Series, layout: Layout) -> None:
        marked = flags.to_numpy()
        self._entered = np.append(0, np.cumsum(marked[layout.seen.rows]))
        known = layout.known is layout.seen
        self._left = self._entered if known else np.append(0, np.cumsum(marked[layout.known.rows]))

    def of(self, windows: Windows) -> Integers:
        counted: Integers = self._entered[windows.until] - self._left[windows.since]
        return counted


class _Sums:
    """The sum of a window, exact: as two floats."""

    def __init__(self, layout: Layout, *terms: Floats) -> None:
        self._entered = RunningSums(*(column[layout.seen.rows] for column in terms))
        known = layout.known is layout.seen
        self._left = self._entered if known else RunningSums(*(column[layout.known.rows] for column in terms))

    def of(self, windows: Windows) -> tuple[Floats, Floats]:
        return self._entered.between((self._left, windows.since), windows.until)


class _Extremes:
    """The least or greatest value of a window, by tables of the extremes of all stretches of 2^k values."""

    def __init__(self, column: pl.Series, layout: Layout, *, greatest: bool) -> None:
        self._layout, self._greatest, self._dtype = layout, greatest, column.dtype
        self._values = column.gather(layout.known.rows)
        self._seen_at = layout.seen_at.gather(layout.known.rows)
        self._physical = self._values.to_physical()
        numbers = self._physical.fill_null(0).to_numpy()
        held = self._physical.is_not_null().to_numpy()
        self._worst = np.array(_worst(numbers.dtype, greatest=greatest), dtype=numbers.dtype)
        self._levels = [np.append(np.where(held, numbers, self._worst), self._worst)]
        self._held = np.append(0, np.cumsum(held))
        self._growing = threading.Lock()

    def __call__(self, windows: Windows) -> pl.Series:
        """Where some of what was known in a window was not seen yet, one by one.

        As many facts seen as known: they are the same ones, for a fact is never seen before it is known.
        """
        known = self._layout.known
        last = windows.last if known is self._layout.seen else known.before(windows.asked)
        since, end = known.after(windows.left, last, windows.asked), last + 1
        found = self._between(since, end)
        if last is windows.last:
            return found
        partly = np.flatnonzero(windows.last != last)
        moment = pl.Series(windows.asked.moments)
        for start in range(0, len(partly), _AT_ONCE):  # bounded memory: a window may hold a whole table
            some = partly[start : start + _AT_ONCE]
            places = pl.int_ranges(pl.Series(since[some]), pl.Series(end[some]), eager=True)
            each = pl.DataFrame({"row": some, "place": places}).explode("place").drop_nulls()
            each = each.filter(self._seen_at.gather(each["place"]) < moment.gather(each["row"]))
            each = each.with_columns(value=self._values.gather(each["place"]))
            how = pl.col("value").max() if self._greatest else pl.col("value").min()
            met = pl.DataFrame({"row": some}).join(
                each.group_by("row").agg(how), on="row", how="left", maintain_order="left"
            )
            found = found.scatter(some, met["value"])
        return found

    def _between(self, since: Integers, end: Integers) -> pl.Series:
        pick = np.maximum if self._greatest else np.minimum
        length = end - since
        found = np.full(len(since), self._worst, dtype=self._worst.dtype)
        for power, level in enumerate(self._up_to(int(length.max(initial=0)))):
            step = 2**power
            here = (length >= step) & (length < 2 * step)
            found[here] = pick(level[since[here]], level[end[here] - step])
        return _null_where(self._held[end] == self._held[since], found).cast(self._dtype)

    def _up_to(self, longest: int) -> list[NDArray[Any]]:
        """The tables for stretches of up to so many values; each is made when it is first needed."""
        pick = np.maximum if self._greatest else np.minimum
        with self._growing:
            while 2 ** len(self._levels) <= longest:
                level, step = self._levels[-1], 2 ** (len(self._levels) - 1)
                beyond = np.full(min(step, len(level)), self._worst, dtype=level.dtype)
                self._levels.append(pick(level, np.append(level[step:], beyond)))
            return self._levels[: longest.bit_length()]


def _worst(dtype: np.dtype[Any], *, greatest: bool) -> float:
    if dtype.kind == "f":
        return -np.inf if greatest else np.inf
    limits = np.iinfo(dtype)
    return int(limits.min if greatest else limits.max)


def _null_where(undefined: NDArray[np.bool_], values: NDArray[Any]) -> pl.Series:
    return pl.Series(values).set(pl.Series(undefined), None)
