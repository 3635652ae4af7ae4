"""Locks: many workers answer at the same time, one accepts facts alone, and a dead process holds no lock."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlops_lab.serving.answering.locks import Locks

HOLD = """
import sys
from pathlib import Path
from mlops_lab.serving.answering.locks import Locks
locks = Locks(Path(sys.argv[1]), workers=2)
with locks.exclusive() if sys.argv[2] == "exclusive" else locks.answering(sys.argv[3:]):
    print("held", flush=True)
    sys.stdin.read()
print("free", flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that acquires a lock and holds it until `end`."""

    def __init__(self, path: Path, *arguments: str) -> None:
        command = [sys.executable, "-c", HOLD, str(path), *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None

    def has_it(self, *, within: float = 10.0) -> bool:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], within)
        return bool(ready) and self.process.stdout.readline() == "held\n"

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@contextmanager
def held(path: Path, *arguments: str) -> Iterator[Holder]:
    """A process that holds, or waits for, a lock."""
    holder = Holder(path, *arguments)
    try:
        yield holder
    finally:
        holder.end()


def test_workers_answer_at_the_same_time_but_not_while_one_accepts_facts(tmp_path: Path) -> None:
    Locks(tmp_path, workers=2).close()
    one, two = Holder(tmp_path, "answering", "a"), Holder(tmp_path, "answering", "b")
    assert one.has_it()
    assert two.has_it()
    fact = Holder(tmp_path, "exclusive")
    assert not fact.has_it(within=1.0)
    late = Holder(tmp_path, "answering", "c")  # it came after the exclusive one, so it waits for that
    assert not late.has_it(within=1.0)
    one.end()
    assert not fact.has_it(within=0.3)
    two.end()  # killed: the kernel releases its lock
    assert fact.has_it()
    assert not late.has_it(within=0.3)
    fact.end()
    assert late.has_it()
    late.end()


def test_an_id_is_answered_by_one_worker_at_a_time(tmp_path: Path) -> None:
    one = Holder(tmp_path, "answering", "a", "b")
    assert one.has_it()
    same, other = Holder(tmp_path, "answering", "b", "z"), Holder(tmp_path, "answering", "z0")
    assert other.has_it()
    assert not same.has_it(within=0.5)
    one.end()
    assert same.has_it()
    same.end()
    other.end()


def test_a_released_lock_can_be_acquired_again(tmp_path: Path) -> None:
    """By the same worker, and by another process while the first one goes on living."""
    locks = Locks(tmp_path, workers=2)
    entered = []
    for number in range(3):
        with locks.answering(["a"]):
            entered.append(("answering", number))
        with locks.exclusive():
            entered.append(("exclusive", number))
    assert entered == [(kind, number) for number in range(3) for kind in ("answering", "exclusive")]
    with held(tmp_path, "exclusive") as other:
        assert other.has_it(), "nothing is held any more"
    with held(tmp_path, "answering", "a") as other:
        assert other.has_it()
    locks.close()


@pytest.mark.parametrize("kind", ["answering", "exclusive"])
def test_an_error_inside_releases_the_lock(tmp_path: Path, kind: str) -> None:
    locks = Locks(tmp_path, workers=2)
    with pytest.raises(ZeroDivisionError), locks.answering(["a"]) if kind == "answering" else locks.exclusive():
        _ = 1 / 0
    with held(tmp_path, "exclusive") as other:
        assert other.has_it()
    locks.close()


def test_a_single_worker_never_waits(tmp_path: Path) -> None:
    """Two that know of no other worker hold everything at the same time; one of two workers would wait for them."""
    locks, other = Locks(tmp_path, workers=1), Locks(tmp_path, workers=1)
    began = time.monotonic()
    with locks.exclusive(), other.exclusive(), locks.answering(["a"]), other.answering(["a"]):
        assert time.monotonic() - began < 5
        with held(tmp_path, "exclusive") as process:
            assert process.has_it(), "nothing is locked in the file system either"
    locks.close()
    other.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ids.lock", "turn.lock", "turn.queue"]
