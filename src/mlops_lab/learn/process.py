"""Processes that grade, once each. One that is started ahead of a save has done its imports when the save comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from mlops_lab.learn.grader import RESULT_FILE, Job
from mlops_lab.learn.guard import MAX_CPU_SECONDS
from mlops_lab.learn.result import CheckResult

LIMIT_SECONDS = 20.0
"""A check takes about a second; on a busy machine, more."""
PRELOADED = ("numpy", "pandas")
_ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONSAFEPATH": "1",  # a learner's random.py must not become ours
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class GradingProcess:
    """A process that waits for its job, with some modules imported."""

    def __init__(self, preload: tuple[str, ...] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlops_lab.learn.grader", *preload],
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    @property
    def is_waiting(self) -> bool:
        """Whether it can still be given its job."""
        return self._process.poll() is None

    def run(self, job: Job, *, limit_seconds: float = LIMIT_SECONDS) -> CheckResult:
        """The result that the process wrote; or how it ended without one. It, and all that it started, have ended."""
        try:
            self._process.communicate(msgspec.json.encode(job).decode() + "\n", timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            seen = f"it was still running after {limit_seconds:g} s"
            return CheckResult(key="too-slow", seen=seen, expected="that it ends; look for a loop without an end")
        finally:
            self.stop()
        with suppress(FileNotFoundError):
            return msgspec.json.decode((Path(job.folder) / RESULT_FILE).read_bytes(), type=CheckResult)
        if self._process.returncode == -signal.SIGXCPU:
            seen = f"it was still computing after {MAX_CPU_SECONDS} s"
            return CheckResult(key="too-slow", seen=seen, expected="that it ends; look for a loop without an end")
        seen = f"the process ended with code {self._process.returncode} before the check was over"
        return CheckResult(key="ended", seen=seen, expected="code that returns; what it printed is below")

    def stop(self) -> None:
        """End the process and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()


class SpareProcess:
    """A process that is always ready for the next check."""

    def __init__(self) -> None:
        self._process = GradingProcess(PRELOADED)

    @contextmanager
    def take(self) -> Iterator[GradingProcess]:
        """The process, for one check. The next one is started afterwards, so as not to slow this check down."""
        if not self._process.is_waiting:
            self._process = GradingProcess(PRELOADED)
        try:
            yield self._process
        finally:
            self._process.stop()
            self._process = GradingProcess(PRELOADED)

    def stop(self) -> None:
        """End the process that waits."""
        self._process.stop()
