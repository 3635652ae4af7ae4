"""The aggregates of a view: how the facts of an entity become one value."""

from __future__ import annotations

from dataclasses import dataclass

AGGREGATES = ("last", "count", "sum", "mean", "std", "min", "max", "share")
Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Aggregate:
    """One value of a view: the aggregate, its column, and for a share the value `of` that is counted."""

    how: str
    column: str
    of: Scalar = None


def last(column: str) -> Aggregate:
    """The value of the latest fact, null included."""
    return Aggregate("last", column)


def count(column: str) -> Aggregate:
    """The number of non-null values."""
    return Aggregate("count", column)


def total(column: str) -> Aggregate:
    """The sum of the non-null values; 0 where there are none."""
    return Aggregate("sum", column)


def mean(column: str) -> Aggregate:
    """The mean of the non-null values; undefined where there are none."""
    return Aggregate("mean", column)


def std(column: str) -> Aggregate:
    """The sample standard deviation of the non-null values; undefined where there are fewer than two."""
    return Aggregate("std", column)


def smallest(column: str) -> Aggregate:
    """The smallest of the non-null values; undefined where there are none."""
    return Aggregate("min", column)


def largest(column: str) -> Aggregate:
    """The largest of the non-null values; undefined where there are none."""
    return Aggregate("max", column)


def share(column: str, of: Scalar = True) -> Aggregate:
    """The share of the non-null values that equal `of`; undefined where there are none."""
    return Aggregate("share", column, of)
