"""One machine at a time has a lock; one that has died loses it; one that is alive keeps it however long it takes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from mlops_lab import clock
from mlops_lab.errors import Refused
from mlops_lab.lake.object_store import ObjectStore
from mlops_lab.lake.store_lock import StoreLock

PATH = "_locks/loop.json"


@pytest.fixture
def store(stored_uri: str) -> ObjectStore:
    return ObjectStore(stored_uri)


def lock(store: ObjectStore, *, wait_seconds: float = 0.0, lease_seconds: float = 30.0) -> StoreLock:
    return StoreLock(store, "loop", wait_seconds=wait_seconds, lease_seconds=lease_seconds)


def leave_behind(store: ObjectStore, **changes: object) -> None:
    """What a machine that died leaves."""
    with lock(store):
        holder = json.loads(store.read(PATH).data)
    store.write(PATH, json.dumps({**holder, **changes}).encode())


def test_only_one_has_it_and_the_next_one_gets_it_when_it_is_free(store):
    with lock(store):
        with pytest.raises(Refused, match="another machine is at work on this project: process"), lock(store):
            pass
        began = []
        waiting = threading.Thread(target=lambda: lock(store, wait_seconds=60).__enter__() and began.append(1))
        waiting.start()
        time.sleep(0.6)
        assert not began
    waiting.join(timeout=60)
    assert began


def test_it_is_kept_by_who_is_alive_for_longer_than_a_lease(store):
    with lock(store, lease_seconds=1.5):
        with pytest.raises(Refused), lock(store, wait_seconds=4, lease_seconds=1.5):
            pass
        assert json.loads(store.read(PATH).data)["renewed"] >= 2
    assert store.read(PATH) is None


def test_another_machine_that_died_loses_it_after_a_lease(store):
    leave_behind(store, place="elsewhere")
    began = time.perf_counter()
    with lock(store, wait_seconds=60, lease_seconds=2):
        assert time.perf_counter() - began >= 2


def test_who_asks_again_and_again_gets_it_after_a_lease_too(store):
    leave_behind(store, place="elsewhere")
    with pytest.raises(Refused), lock(store, lease_seconds=2):
        pass
    time.sleep(2)
    with lock(store, lease_seconds=2):
        pass


def test_a_process_of_this_machine_that_died_loses_it_at_once(store):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    leave_behind(store, pid=ended.pid)
    with lock(store):
        pass


def test_one_that_is_far_older_than_clocks_differ_is_taken_over_at_once(store, monkeypatch):
    leave_behind(store, place="elsewhere")
    later = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    with lock(store):
        pass


def test_what_a_newer_release_wrote_is_respected(store):
    store.write(PATH, b'{"format": 9}')
    with pytest.raises(Refused, match="of a newer release"), lock(store):
        pass


def test_who_has_lost_it_meanwhile_does_not_take_it_from_the_next_one(store):
    with lock(store):
        store.write(PATH, b"of somebody else")
    assert store.read(PATH).data == b"of somebody else"
