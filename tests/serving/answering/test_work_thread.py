"""A thread that works for an event loop: in order, and with what went wrong."""

from __future__ import annotations

import asyncio
import threading

from mlops_lab.serving.answering.work_thread import WorkThread


def test_work_is_done_in_order_in_one_other_thread_and_told_in_the_event_loop() -> None:
    async def main() -> None:
        thread, worked, told = WorkThread("test"), list[threading.Thread](), list[tuple[int, threading.Thread]]()
        finished = asyncio.Event()

        def note(number: int) -> None:
            told.append((number, threading.current_thread()))
            if number == 9:
                finished.set()

        for number in range(10):
            thread.start(
                lambda: worked.append(threading.current_thread()),
                lambda _, number=number: note(number),  # type: ignore[misc]
            )
        await asyncio.wait_for(finished.wait(), 10)
        thread.stop()
        assert [number for number, _ in told] == list(range(10))
        assert {one for _, one in told} == {threading.current_thread()}
        assert len(set(worked)) == 1
        assert threading.current_thread() not in worked

    asyncio.run(main())


def test_an_exception_is_told_and_the_thread_goes_on() -> None:
    async def main() -> None:
        thread, told = WorkThread("test"), list[Exception | None]()
        finished = asyncio.Event()

        def fail() -> None:
            raise OSError("no")

        thread.start(fail, told.append)
        thread.start(lambda: None, lambda error: (told.append(error), finished.set())[0])
        await asyncio.wait_for(finished.wait(), 10)
        thread.stop()
        assert [type(error) for error in told] == [OSError, type(None)]

    asyncio.run(main())


def test_a_thread_that_was_never_needed_is_never_started() -> None:
    before = threading.active_count()
    WorkThread("test").stop()
    assert threading.active_count() == before
