"""Group commit: a response waits until its records are on the disk, and many share one sync."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.writer import Journal
from mlops_lab.serving.answering.group_commit import BEHIND_SECONDS, PATIENCE_SECONDS, QUICK_SECONDS, Committer


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times at which something was synced; each sync takes 20 ms."""
    seen: list[float] = []
    real = os.fdatasync

    def slow(file: int) -> None:
        time.sleep(0.02)
        real(file)
        seen.append(time.monotonic())

    monkeypatch.setattr(os, "fdatasync", slow)
    return seen


def test_all_that_waits_shares_the_next_sync(tmp_path: Path, syncs: list[float]) -> None:
    journal = Journal(tmp_path)

    async def work() -> None:
        committer = Committer(journal, fsync=True)

        async def append_and_wait(number: int) -> None:
            position = journal.append([b"%d" % number])
            await committer.wait_until_durable()
            assert journal.synced >= position

        await append_and_wait(-1)
        await asyncio.gather(*(append_and_wait(number) for number in range(100)))
        await asyncio.gather(*(append_and_wait(number) for number in range(100)))
        assert committer.commit_now(), "there is nothing left"
        committer.close()

    asyncio.run(work())
    assert 3 <= len(syncs) <= 5, "one each, and one more where an append came while one was under way"


def test_a_fast_disk_is_synced_in_the_event_loop_and_a_slow_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    seconds, now = [0.0], [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])  # a busy machine makes any disk slow
    monkeypatch.setattr(os, "fdatasync", lambda _: now.append(now.pop() + seconds[0]))

    async def work() -> None:
        committer = Committer(journal, fsync=True)
        journal.append([b"quick"])
        assert committer.commit_now()
        assert journal.synced == journal.position
        for seconds[0] in (2 * QUICK_SECONDS, 0.0, 10 * QUICK_SECONDS):  # one slow sync does not make a slow disk
            journal.append([b"slow once"])
            assert committer.commit_now()
        journal.append([b"left to the thread"])
        assert not committer.commit_now()
        assert journal.synced < journal.position
        await committer.wait_until_durable()
        assert committer.commit_now(), "there is nothing left"
        seconds[0] = 0.0
        now[0] += PATIENCE_SECONDS
        for _ in range(2):
            journal.append([b"quick again"])
            assert committer.commit_now()
        committer.close()

    asyncio.run(work())


def test_async_answers_are_on_the_disk_after_a_short_time(tmp_path: Path, syncs: list[float]) -> None:
    journal = Journal(tmp_path)

    async def work() -> None:
        committer = Committer(journal, fsync=False)
        for number in range(20):
            journal.append([b"%d" % number])
            assert committer.commit_now(), "nobody waits"
            committer.schedule_sync()
        appended = time.monotonic()
        while journal.synced < journal.position:
            await asyncio.sleep(0.005)
            assert time.monotonic() - appended < BEHIND_SECONDS + 1
        committer.close()

    asyncio.run(work())
    assert len(syncs) == 1


@pytest.mark.parametrize("waiting", [1, 5])
def test_a_disk_that_refuses_fails_all_who_wait_and_is_then_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    journal = Journal(tmp_path, reserve_bytes=1000)
    real, broken = os.fdatasync, [True]

    def sync(file: int) -> None:
        if broken[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(file)

    monkeypatch.setattr(os, "fdatasync", sync)

    async def work() -> None:
        committer = Committer(journal, fsync=True)

        async def append_and_wait(number: int) -> None:
            journal.append([b"%d" % number])
            await committer.wait_until_durable()

        results = await asyncio.gather(*(append_and_wait(number) for number in range(waiting)), return_exceptions=True)
        assert [error.code for error in results if isinstance(error, EnvironmentFault)] == ["disk_full"] * waiting
        assert journal.synced == 0
        broken[0] = False
        await append_and_wait(waiting)
        assert journal.synced == journal.position
        committer.close()

    rewritten: list[Any] = []
    real_write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda *given: (rewritten.append(given[2]), real_write(*given))[1])
    asyncio.run(work())
    assert rewritten.count(0) == 2, "what was not on the disk is written again, at its position"
