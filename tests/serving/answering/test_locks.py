"""Who may write when: many share, one is alone, and the dead hold nothing."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
from pathlib import Path

from mlops_lab.serving.answering.locks import Locks

HOLD = """
import sys
from pathlib import Path
from mlops_lab.serving.answering.locks import Locks
turns = Locks(Path(sys.argv[1]), workers=2)
with turns.alone() if sys.argv[2] == "alone" else turns.shared(sys.argv[3:]):
    print("held", flush=True)
    sys.stdin.read()
print("free", flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that wants the turn."""

    def __init__(self, path: Path, *words: str) -> None:
        command = [sys.executable, "-c", HOLD, str(path), *words]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None

    def has_it(self, *, within: float = 10.0) -> bool:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], within)
        return bool(ready) and self.process.stdout.readline() == "held\n"

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def test_answers_are_given_side_by_side_but_not_beside_a_fact(tmp_path: Path) -> None:
    Locks(tmp_path, workers=2).close()
    one, two = Holder(tmp_path, "shared", "a"), Holder(tmp_path, "shared", "b")
    assert one.has_it()
    assert two.has_it()
    fact = Holder(tmp_path, "alone")
    assert not fact.has_it(within=1.0)
    late = Holder(tmp_path, "shared", "c")  # who came after the one that wants to be alone waits for it
    assert not late.has_it(within=1.0)
    one.end()
    assert not fact.has_it(within=0.3)
    two.end()  # killed: the kernel lets go
    assert fact.has_it()
    assert not late.has_it(within=0.3)
    fact.end()
    assert late.has_it()
    late.end()


def test_an_id_is_answered_by_one_at_a_time(tmp_path: Path) -> None:
    one = Holder(tmp_path, "shared", "a", "b")
    assert one.has_it()
    same, other = Holder(tmp_path, "shared", "b", "z"), Holder(tmp_path, "shared", "z0")
    assert other.has_it()
    assert not same.has_it(within=0.5)
    one.end()
    assert same.has_it()
    same.end()
    other.end()


def test_a_turn_can_be_taken_again(tmp_path: Path) -> None:
    turns = Locks(tmp_path, workers=2)
    for _ in range(3):
        with turns.shared(["a"]):
            pass
        with turns.alone():
            pass
    turns.close()


def test_one_worker_waits_for_nobody(tmp_path: Path) -> None:
    turns, other = Locks(tmp_path, workers=1), Locks(tmp_path, workers=1)
    with turns.alone(), other.alone(), turns.shared(["a"]), other.shared(["a"]):
        pass
    turns.close()
    other.close()
