"""An interrupt ends a command, wherever it strikes; a second one changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

START = """
import os, signal, sys, time
from mlops_lab.cli.errors import guarded
from mlops_lab.cli.interrupts import run_until_interrupted

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)

class Held:
    def __del__(self):
        interrupt()

def run():
{run}
    print("went on")

sys.exit(guarded(lambda: run_until_interrupted(run)))
"""


@pytest.mark.parametrize(
    "run",
    [
        pytest.param("    interrupt()", id="once"),
        pytest.param("    held = Held()\n    interrupt()", id="once more while it is left"),
        pytest.param("    held = Held()\n    del held\n    time.sleep(0.1)", id="while an object is deleted"),
        pytest.param("    global held\n    held = Held()\n    interrupt()", id="once more while Python ends"),
        pytest.param("    sys.exit(130 if interrupt is None else Held() and 130)", id="with the code of an interrupt"),
    ],
)
def test_it_ends_in_good_order(run: str) -> None:
    done = subprocess.run([sys.executable, "-c", START.format(run=run)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped\n")


def test_what_else_is_ignored_is_told_as_before() -> None:
    run = "    class Bad:\n        def __del__(self): raise ValueError('bad')\n    Bad()"
    done = subprocess.run([sys.executable, "-c", START.format(run=run)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "went on\n")
    assert "ValueError: bad" in done.stderr
