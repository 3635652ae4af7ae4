"""Batching: what arrives together is answered together, everybody gets their own answers, and a failure reaches all."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest

from mlops_lab.errors import Conflict, EnvironmentFault
from mlops_lab.journal.records import PredictionRecord
from mlops_lab.serving.answering.batching import Batcher, promise
from mlops_lab.serving.answering.group_commit import Committer
from mlops_lab.serving.answering.service import Service


class Desk:
    """A batcher around a service, and how it is asked."""

    def __init__(self, service: Service, make_request: Callable[..., dict[str, Any]]) -> None:
        self.service = service
        self._make_request = make_request
        self.batches: list[int] = []
        self.delivered = 0
        answer = service.answer

        def counted(requests: Any, **options: Any) -> Any:
            self.batches.append(len(requests))
            return answer(requests, **options)

        service.answer = counted  # type: ignore[method-assign]

    def requests(self, *names: str | None, **changes: Any) -> list[msgspec.Struct]:
        kind = self.service.schemas.request
        return [msgspec.convert(self._make_request(id=name, **changes), kind) for name in names]

    def run(self, work: Callable[[Batcher], Coroutine[Any, Any, None]], *, fsync: bool = True) -> None:
        async def main() -> None:
            committer = Committer(self.service.journal, fsync=fsync)
            await work(Batcher(self.service, committer, answered=self._count))
            committer.close()

        asyncio.run(main())

    def _count(self) -> None:
        self.delivered += 1


def submit(batcher: Batcher, requests: list[msgspec.Struct]) -> asyncio.Future[Any]:
    future, done = promise(list)
    batcher.submit(requests, done)
    return future


@pytest.fixture
def desk(make_service: Callable[..., Service], make_request: Callable[..., dict[str, Any]]) -> Desk:
    return Desk(make_service(), make_request)


@pytest.mark.parametrize("fsync", [True, False])
def test_clients_of_one_tick_share_a_batch_and_get_their_own_answers(desk, fsync):
    async def work(batcher: Batcher) -> None:
        names = [["a"], ["b", "c"], ["d"]]
        answers = await asyncio.gather(*(submit(batcher, desk.requests(*some)) for some in names))
        assert [[answer.id for answer in some] for some in answers] == names
        assert (await submit(batcher, desk.requests("e")))[0].id == "e"

    desk.run(work, fsync=fsync)
    assert desk.batches == [4, 1]
    assert desk.delivered == 2


def test_what_arrives_while_the_disk_works_shares_the_next_batch(desk, monkeypatch):
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (time.sleep(0.05), real(file))[1])

    async def work(batcher: Batcher) -> None:
        for name in "abc":  # one slow sync after another in the event loop, until the disk counts as slow
            await submit(batcher, desk.requests(name))
        first = submit(batcher, desk.requests("d"))
        others = []
        while not first.done():
            others.append(submit(batcher, desk.requests(None)))
            await asyncio.sleep(0.005)
        await asyncio.gather(*others)
        assert len(others) > 1

    desk.run(work)
    assert len(desk.batches) <= 3 + 1 + 2, "those that arrived before the batch was closed, and all others"


def test_answers_are_on_the_disk_when_they_are_given(desk):
    async def work(batcher: Batcher) -> None:
        await submit(batcher, desk.requests(None, None))
        assert desk.service.journal.synced == desk.service.journal.position > 0

    desk.run(work)


def test_answering_all_gives_predictions(desk):
    async def work(batcher: Batcher) -> None:
        records = await batcher.answer_all(desk.requests("a", "b"))
        assert [record.id for record in records] == ["a", "b"]
        assert [record.id for record in await batcher.answer_all(desk.requests("c"))] == ["c"]

    desk.run(work)


def test_answering_all_writes_nothing_where_one_has_no_answer(desk):
    async def work(batcher: Batcher) -> None:
        await batcher.answer_all(desk.requests("a"))
        position = desk.service.journal.position
        with pytest.raises(Conflict) as caught:
            await batcher.answer_all([*desk.requests("b"), *desk.requests("a", amount=99.0)])
        assert (caught.value.code, caught.value.where) == ("id_reused", "rows[1].id")
        assert desk.service.journal.position == position
        assert desk.service.worker_state.read_prediction("b") is None

    desk.run(work)


def test_one_clients_error_is_no_other_clients_error(desk):
    async def work(batcher: Batcher) -> None:
        await submit(batcher, desk.requests("a"))
        refused, answered = await asyncio.gather(
            submit(batcher, desk.requests("a", amount=99.0)), submit(batcher, desk.requests("b"))
        )
        assert isinstance(refused[0], Conflict)
        assert isinstance(answered[0], PredictionRecord)

    desk.run(work)


@pytest.mark.parametrize("broken", ["pwrite", "fdatasync"])
def test_a_disk_that_refuses_fails_all_who_wait(desk, monkeypatch, broken):
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    async def work(batcher: Batcher) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, broken, refuse)
            results = await asyncio.gather(
                *(submit(batcher, desk.requests(name)) for name in "ab"), return_exceptions=True
            )
        assert [type(result) for result in results] == [EnvironmentFault] * 2
        assert [result.code for result in results] == ["disk_full"] * 2
        assert (await submit(batcher, desk.requests("c")))[0].id == "c", "it goes on when there is space again"

    desk.run(work)


def test_a_client_that_went_away_does_not_disturb_the_others(desk):
    async def work(batcher: Batcher) -> None:
        gone, stays = submit(batcher, desk.requests("a")), submit(batcher, desk.requests("b"))
        gone.cancel()
        assert (await stays)[0].id == "b"
        assert gone.cancelled()

    desk.run(work)


def test_a_promise_is_kept_with_a_result_or_an_error():
    async def work() -> None:
        future, done = promise(int)
        done(5)
        done(6)  # too late
        assert await future == 5
        future, done = promise(int)
        done(ValueError("no"))
        with pytest.raises(ValueError, match="no"):
            await future

    asyncio.run(work())
