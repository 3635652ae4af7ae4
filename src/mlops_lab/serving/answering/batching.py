"""What is waiting is answered together: no timers, so that a request that is alone does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeVar

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.answering.group_commit import Committer
from mlops_lab.serving.answering.service import Service

Answers = list[PredictionRecord | InvalidInput]
Done = Callable[[Answers | Exception], None]
Result = TypeVar("Result")
Waiting = list[tuple[Sequence[msgspec.Struct], Done]]


class Batcher:
    """Answers what has arrived by the end of a turn of the event loop, all of it in one go."""

    def __init__(self, service: Service, committer: Committer, *, answered: Callable[[], None]) -> None:
        self._service = service
        self._committer = committer
        self._answered = answered
        self._waiting: Waiting = []
        self._commits: set[asyncio.Task[None]] = set()

    def submit(self, requests: Sequence[msgspec.Struct], done: Done) -> None:
        """Have a client's requests answered, in order, by versions that are live at the same moment, and written down.

        `done` gets the answers; or an EnvironmentFault where they cannot be written down: then they are not given.
        """
        if not self._waiting:
            # runs after all that has already arrived has been decoded
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append((requests, done))

    async def ask(self, requests: Sequence[msgspec.Struct]) -> Answers:
        """The answers to a client's requests: see `submit`."""
        future, done = promise(Answers)
        self.submit(requests, done)
        return await future

    async def ask_whole(self, requests: Sequence[msgspec.Struct]) -> list[PredictionRecord]:
        """The answers to all of a client's requests. InvalidInput where one has none: then none is written down."""
        future, done = promise(Answers)
        if len(requests) == 1:  # whole by itself, so it may wait for others
            self.submit(requests, done)
        else:
            self._answer([(requests, done)], whole=True)
        records: list[PredictionRecord] = []
        for place, answer in enumerate(await future):
            if isinstance(answer, InvalidInput):
                raise _in_row(place, answer)
            records.append(answer)
        return records

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._answer(waiting)

    def _answer(self, waiting: Waiting, *, whole: bool = False) -> None:
        try:
            requests = list(chain.from_iterable([some for some, _ in waiting]))
            answers, is_repeat = self._service.answer(requests, whole=whole)
            is_durable = self._committer.commit_now() and not is_repeat
        except Exception as error:
            _fail(waiting, error)
            return
        if is_durable:
            self._committer.follow()
            self._hand_out(waiting, answers)
            return
        others = self._service.memory.others if is_repeat else ()
        task = asyncio.get_running_loop().create_task(self._commit(waiting, answers, others=others))
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)

    async def _commit(self, waiting: Waiting, answers: Answers, *, others: Sequence[Any]) -> None:
        try:
            await self._committer.durable(others)
        except EnvironmentFault as error:
            _fail(waiting, error)
            return
        self._hand_out(waiting, answers)

    def _hand_out(self, waiting: Waiting, answers: Answers) -> None:
        start = 0
        for requests, done in waiting:
            end = start + len(requests)
            done(answers[start:end])
            start = end
        self._answered()


def promise(_: type[Result]) -> tuple[asyncio.Future[Result], Callable[[Result | Exception], None]]:
    """A future, and what fulfils it."""
    future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def done(result: Result | Exception) -> None:
        if future.done():  # its client went away
            return
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    return future, done


def _in_row(place: int, error: InvalidInput) -> InvalidInput:
    """The error of one of many rows, with its place."""
    where = error.where or ""
    inside = where.removeprefix("$") if where.startswith("$") else f", {where}"
    return type(error)(error.what, code=error.code, where=f"rows[{place}]{inside}", hint=error.hint)


def _fail(waiting: Waiting, error: Exception) -> None:
    """Each client that waits gets it as its own answer."""
    for _, done in waiting:
        done(error)
