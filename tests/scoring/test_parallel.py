"""Several threads work on the items; whoever reads the results sees none of that."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.scoring.parallel import map_in_order


@given(st.lists(st.integers(0, 3), max_size=25), st.integers(1, 4))
def test_results_come_in_the_order_of_the_items(waits: list[int], threads: int) -> None:
    items = list(enumerate(waits))

    def work(item: tuple[int, int]) -> int:
        time.sleep(item[1] / 10_000)  # so that later items are often done first
        return 10 * item[0]

    assert list(map_in_order(work, items, threads=threads)) == [(item, 10 * item[0]) for item in items]


@given(st.integers(1, 4), st.integers(1, 30))
def test_no_more_than_two_items_a_thread_are_read_ahead(threads: int, count: int) -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        for item in range(count):
            read += 1
            yield item

    for taken, _ in enumerate(map_in_order(str, items(), threads=threads)):
        assert read <= taken + 2 * threads + 1


def test_threads_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)
    assert [result for _, result in map_in_order(lambda _: both.wait() >= 0, range(4), threads=2)] == [True] * 4


def test_an_error_comes_in_the_place_of_its_result_and_ends_the_work() -> None:
    started = []

    def work(item: int) -> int:
        started.append(item)
        return 1 // (item - 3)

    results = map_in_order(work, range(1000), threads=1)
    assert [next(results)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert max(started) < 10


def test_a_reader_may_stop_early() -> None:
    results = map_in_order(str, range(1000), threads=2)
    assert next(results) == (0, "0")
    results.close()  # type: ignore[attr-defined]
    assert list(results) == []
