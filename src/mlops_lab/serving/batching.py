"""What is waiting is answered together: no timers, so that a request that is alone does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.serving.commit import Committer
from mlops_lab.serving.records import PredictionRecord
from mlops_lab.serving.service import Service

Answers = list[PredictionRecord | InvalidInput]
Done = Callable[[Answers | Exception], None]


class Batcher:
    """Answers what has arrived by the end of a turn of the event loop, all of it in one go."""

    def __init__(self, service: Service, committer: Committer, *, answered: Callable[[], None]) -> None:
        self._service = service
        self._committer = committer
        self._answered = answered
        self._waiting: list[tuple[Sequence[msgspec.Struct], Done]] = []
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
        future: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()

        def done(answers: Answers | Exception) -> None:
            if future.done():  # its client went away
                return
            if isinstance(answers, Exception):
                future.set_exception(answers)
            else:
                future.set_result(answers)

        self.submit(requests, done)
        return await future

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            answers, is_repeat = self._service.answer([request for requests, _ in waiting for request in requests])
        except Exception as error:
            _fail(waiting, error)
            return
        if self._committer.is_durable and not is_repeat:
            self._committer.follow()
            self._hand_out(waiting, answers)
            return
        others = self._service.memory.others if is_repeat else ()
        task = asyncio.get_running_loop().create_task(self._commit(waiting, answers, others=others))
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)

    async def _commit(self, waiting: list[Any], answers: Answers, *, others: Sequence[Any]) -> None:
        try:
            await self._committer.durable(others)
        except EnvironmentFault as error:
            _fail(waiting, error)
            return
        self._hand_out(waiting, answers)

    def _hand_out(self, waiting: list[tuple[Sequence[msgspec.Struct], Done]], answers: Answers) -> None:
        start = 0
        for requests, done in waiting:
            end = start + len(requests)
            done(answers[start:end])
            start = end
        self._answered()


def _fail(waiting: list[Any], error: Exception) -> None:
    """Each client that waits gets it as its own answer."""
    for _, done in waiting:
        done(error)
