"""Aggregates from running sums, on the serving side: the terms that a value adds, and the value of the aggregate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from mlops_lab.features.aggregates import Aggregate
from mlops_lab.features.deviation import exact_deviation
from mlops_lab.features.exact import multiply, to_double, to_whole

TERM_COUNTS = {"count": 1, "sum": 2, "mean": 2, "share": 2, "std": 3, "min": 0, "max": 0, "last": 0}
"""How many running sums each aggregate needs."""


@lru_cache(maxsize=4096)  # the same few values recur
def terms(how: str, value: Any, of: Any) -> tuple[int, ...]:
    """The terms that one value adds to the sums of an aggregate: (count, sum, sum of squares), as many as it needs."""
    if value is None:
        return (0,) * TERM_COUNTS[how]
    if how == "count":
        return (1,)
    if how == "share":
        return 1, int(value == of)
    number = float(value)
    if how != "std":
        return 1, to_whole(number)
    high, low = multiply(number, number)
    return 1, to_whole(number), to_whole(high) + to_whole(low)


def aggregate_value(aggregate: Aggregate, sums: Sequence[int]) -> float | None:
    """The value of an aggregate from the sums of its terms; None where it is undefined."""
    number = sums[0]
    if aggregate.how == "count":
        return float(number)
    if aggregate.how == "sum":
        return to_double(sums[1])[0]
    if not number:
        return None
    if aggregate.how == "share":
        return sums[1] / number
    if aggregate.how == "mean":
        return to_double(sums[1])[0] / number
    return exact_deviation(number, sums[1], sums[2]) if number > 1 else None


def extreme_value(aggregate: Aggregate, values: Iterable[Any]) -> Any:
    """The smallest or largest of the values that are not null; None where there are none."""
    not_null = [value for value in values if value is not None]
    if not not_null:
        return None
    return max(not_null) if aggregate.how == "max" else min(not_null)
