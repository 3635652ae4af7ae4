"""A hangup while the server starts: it goes on starting. (Of a running one: `tests/end_to_end/test_tls.py`.)"""

from __future__ import annotations

import subprocess
import sys

import pytest

HANG_UP = """
import os, signal
from mlops_lab.serving.process.hangup import outlive_hangup
signal.signal(signal.SIGHUP, signal.{before})
outlive_hangup()
os.kill(os.getpid(), signal.SIGHUP)
print("alive", signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)
"""


@pytest.mark.parametrize(("before", "is_ignored"), [("SIG_DFL", False), ("SIG_IGN", True)])
def test_a_hangup_at_the_start_ends_nothing(before: str, is_ignored: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANG_UP.format(before=before)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["alive", str(is_ignored)]
