"""Answers the requests that wait as one batch; without timers, so that a single request does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

import msgspec

from mlops_lab.errors import InvalidInput
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.answering.answers import Answers
from mlops_lab.serving.answering.group_commit import Committer
from mlops_lab.serving.answering.service import Service

Callback = Callable[[Answers | Exception], None]
Result = TypeVar("Result")
Waiting = list[tuple[Sequence[msgspec.Struct], Callback]]
"""By client, its requests, and the function that gets its answers."""


class Batcher:
    """Answers in one batch all requests that arrived within one tick of the event loop."""

    def __init__(self, service: Service, committer: Committer, *, answered: Callable[[], None]) -> None:
        self._service = service
        self._committer = committer
        self._answered = answered
        self._waiting: Waiting = []

    def submit(self, requests: Sequence[msgspec.Struct], done: Callback) -> None:
        """Answer a client's requests with the next batch, all by the same routing table, and write the answers.

        `done` gets the answers in order; or an EnvironmentFault where they cannot be written: then there are none.
        """
        self._waiting.append((requests, done))
        if len(self._waiting) == 1:
            self._committer.when_free(self._flush)

    async def answer_all(self, requests: Sequence[msgspec.Struct]) -> list[PredictionRecord]:
        """The predictions for all of a client's requests. InvalidInput where one has none: then none is written."""
        future, done = promise(Answers)
        if len(requests) == 1:  # it cannot be answered in part, so it may be part of a batch
            self.submit(requests, done)
        else:
            self._answer([(requests, done)], whole=True)
        records: list[PredictionRecord] = []
        for index, answer in enumerate(await future):
            if isinstance(answer, InvalidInput):
                raise _in_row(index, answer)
            records.append(answer)
        return records

    def _flush(self, seen: int = 0) -> None:
        """Answer all that wait, once a turn of the event loop brought no more: in a larger batch each costs less."""
        if len(self._waiting) > seen:
            asyncio.get_running_loop().call_soon(self._flush, len(self._waiting))
            return
        waiting, self._waiting = self._waiting, []
        self._answer(waiting)

    def _answer(self, waiting: Waiting, *, whole: bool = False) -> None:
        try:
            requests = list(chain.from_iterable([batch for batch, _ in waiting]))
            answers, is_repeat = self._service.answer(requests, whole=whole)
            is_durable = self._committer.commit_now() and not is_repeat
        except Exception as error:
            _fail(waiting, error)
            return
        if is_durable:
            self._committer.schedule_sync()
            self._deliver(waiting, answers)
            return
        others = self._service.worker_state.followed if is_repeat else ()
        self._committer.when_durable(partial(self._finish, waiting, answers), others)

    def _finish(self, waiting: Waiting, answers: Answers, error: Exception | None) -> None:
        if error is None:
            self._deliver(waiting, answers)
        else:
            _fail(waiting, error)

    def _deliver(self, waiting: Waiting, answers: Answers) -> None:
        start = 0
        for requests, done in waiting:
            end = start + len(requests)
            done(answers[start:end])
            start = end
        self._answered()


def promise(_: type[Result]) -> tuple[asyncio.Future[Result], Callable[[Result | Exception], None]]:
    """A future, and the function that sets its result or exception."""
    future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def done(result: Result | Exception) -> None:
        if future.done():  # its client has disconnected
            return
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    return future, done


def _in_row(index: int, error: InvalidInput) -> InvalidInput:
    """The error of one of many rows, with the index of the row."""
    where = error.where or ""
    inside = where.removeprefix("$") if where.startswith("$") else f", {where}"
    return type(error)(error.what, code=error.code, where=f"rows[{index}]{inside}", hint=error.hint)


def _fail(waiting: Waiting, error: Exception) -> None:
    """Give the error to each client that waits."""
    for _, done in waiting:
        done(error)
