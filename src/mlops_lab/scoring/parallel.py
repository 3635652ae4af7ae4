"""Work on several items at once, with the results in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_order(
    work: Callable[[_Item], _Result], items: Iterable[_Item], *, threads: int
) -> Iterator[tuple[_Item, _Result]]:
    """Each item with its result, in the order of the items; the threads are at most two items each ahead.

    An error of `work` is raised where its result would come, and items not yet begun are dropped.
    """
    in_flight: deque[tuple[_Item, Future[_Result]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                in_flight.append((item, pool.submit(work, item)))
                if len(in_flight) > 2 * threads:
                    first, future = in_flight.popleft()
                    yield first, future.result()
            for first, future in in_flight:
                yield first, future.result()
        finally:
            for _, future in in_flight:
                future.cancel()
