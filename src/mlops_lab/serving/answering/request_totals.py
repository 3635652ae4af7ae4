"""Totals over requests for predictions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import zip_longest

import msgspec


class RequestTotals(msgspec.Struct, frozen=True, array_like=True):
    """How many requests failed with an error of the server, were rejected because they do not fit the contract, how
    many seconds all took together, and how many took how long (by bucket of `BUCKETS_SECONDS`; the last one: longer).
    """

    failed: int = 0
    rejected: int = 0
    seconds: float = 0.0
    buckets: list[int] = []

    def __add__(self, other: RequestTotals) -> RequestTotals:
        return self._with(other, operator.add)

    def __sub__(self, other: RequestTotals) -> RequestTotals:
        return self._with(other, operator.sub)

    def _with(self, other: RequestTotals, apply: Callable[[float, float], float]) -> RequestTotals:
        return RequestTotals(
            int(apply(self.failed, other.failed)),
            int(apply(self.rejected, other.rejected)),
            apply(self.seconds, other.seconds),
            _with_buckets(self.buckets, other.buckets, apply),
        )


def _with_buckets(ours: Sequence[int], theirs: Sequence[int], apply: Callable[[float, float], float]) -> list[int]:
    return [int(apply(one, other)) for one, other in zip_longest(ours, theirs, fillvalue=0)]
