"""A runner as its parent process sees it: started, asked, watched, and started again where it dies."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.columns import Answers, Columns
from mlops_lab.registry.runner.wire import Link, RunnerReady, RunnerRequest, RunnerResponse, RunnerSetup, pack_columns

START_SECONDS, ANSWER_SECONDS, ROWS_PER_SECOND = 60.0, 10.0, 1_000
"""How long it may take to start, and to answer: one second more for every so many rows."""
_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.5, 30.0
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR", "TZ")
"""The only environment variables that a runner is given: the others may hold passwords or tokens."""
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}


class Runner:
    """The process, and the thread that watches it."""

    def __init__(self, setup: RunnerSetup, *, answer_seconds: float) -> None:
        self._setup = setup
        self._answer_seconds = answer_seconds
        self._numbers: Iterator[int] = itertools.count()
        self._lock, self._send_lock = (
            threading.Lock(),
            threading.Lock(),
        )  # two: responses arrive while a request is sent
        self._waiting: dict[int, Future[RunnerResponse]] = {}
        self._link: Link | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._fault: EnvironmentFault | None = None
        self._is_started, self._is_stopped = threading.Event(), threading.Event()
        threading.Thread(target=self._watch, name="runner", daemon=True).start()
        self._is_started.wait()
        if self._fault is not None:
            raise self._fault

    @property
    def process_id(self) -> int:
        """The id of the process that runs now, or ran last."""
        assert self._process is not None
        return self._process.pid

    def ask(self, columns: Columns, rows: int) -> Answers:
        """The answers, of shape (rows,) or (rows, outputs)."""
        number, future = next(self._numbers), Future[RunnerResponse]()
        limit = self._answer_seconds + rows / ROWS_PER_SECOND
        request = RunnerRequest(number, rows, pack_columns(columns))
        try:
            with self._lock:
                if (link := self._link) is None:
                    raise _died("is being started again")
                self._waiting[number] = future
            with self._send_lock:
                link.send(request)
            response = future.result(limit)
        except TimeoutError:
            self._kill()
            raise EnvironmentFault(
                f"the model did not answer within {limit:g} s; its runner is started again",
                code="runner_slow",
                hint="send fewer rows at once, or choose a faster model",
            ) from None
        except OSError:  # while the request was sent: the watching thread starts the process again
            raise _died("died") from None
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if response.fault is not None:
            raise EnvironmentFault(
                f"the model fails: {response.fault[:300]}", code="runner_failed", hint="look at the request's values"
            )
        outputs = np.frombuffer(response.outputs, dtype=np.float64)
        return outputs.reshape(rows, response.width) if response.width else outputs.reshape(rows)

    def stop(self) -> None:
        """End the process for good."""
        self._is_stopped.set()
        self._kill()

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _watch(self) -> None:
        """Start the process, read its responses, and start it again when it ends: sooner where it has answered."""
        pause = _PAUSE_SECONDS
        while not self._is_stopped.is_set():
            parent_end, child_end = socket.socketpair()
            with parent_end, child_end:
                has_answered = self._run(parent_end, child_end)
            if not self._is_started.is_set():  # the first start has failed: the caller raises the fault
                self._is_started.set()
                return
            pause = _PAUSE_SECONDS if has_answered else min(2 * pause, _MAX_PAUSE_SECONDS)
            self._is_stopped.wait(pause)

    def _run(self, parent_end: socket.socket, child_end: socket.socket) -> bool:
        """Run one process from start to end; whether it has answered anything."""
        try:
            process = _launch(child_end)
        except OSError as error:
            self._fault = _not_started(error.strerror or "")
            return False
        child_end.close()
        with self._lock:
            self._process = process
        if self._is_stopped.is_set():  # stopped while the process was started
            process.kill()
        link, has_answered = Link(parent_end), False
        self._fault = _set_up(parent_end, link, self._setup)
        if self._fault is None:
            parent_end.settimeout(self._answer_seconds)
            with self._lock:
                self._link = link
            self._is_started.set()
            has_answered = self._read_responses(link)
        self._clean_up(process)
        return has_answered

    def _read_responses(self, link: Link) -> bool:
        """Give responses to the threads that wait for them, until the process ends; whether there was one."""
        has_answered = False
        while True:
            try:
                response = link.receive(RunnerResponse)
            except TimeoutError:  # nothing was asked
                continue
            except (OSError, ValueError):  # the process ended, or sends what is not a response
                return has_answered
            if response is None:
                return has_answered
            has_answered = True
            with self._lock:
                future = self._waiting.pop(response.number, None)
            if future is not None:
                future.set_result(response)

    def _clean_up(self, process: subprocess.Popen[bytes]) -> None:
        """End the process, and fail the requests that wait for it."""
        process.kill()
        process.wait()
        with self._lock:
            self._link = None
            lost, self._waiting = self._waiting, {}
        for future in lost.values():
            future.set_exception(_died("died"))


def _launch(child_end: socket.socket) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return subprocess.Popen(
        [
            sys.executable,
            "-P",  # import nothing from the current folder
            "-m",
            "mlops_lab.registry.runner.main",
            str(child_end.fileno()),
        ],
        pass_fds=[child_end.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=kept | _ONE_THREAD,
        start_new_session=True,  # Ctrl-C goes to the parent only; the runner ends when the parent does
    )


def _set_up(parent_end: socket.socket, link: Link, setup: RunnerSetup) -> EnvironmentFault | None:
    """Send the model to the runner; the fault, where it cannot answer."""
    parent_end.settimeout(START_SECONDS)
    try:
        link.send(setup)
        ready = link.receive(RunnerReady)
    except (OSError, ValueError):
        ready = None
    if ready is None:
        return _not_started(f"it did not respond within {START_SECONDS:g} s, or has died")
    return None if ready.fault is None else _not_started(ready.fault[:500])


def _not_started(why: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the runner of the model does not start: {why}",
        code="engine_failed",
        hint="install what it was trained with (requirements.txt in its package), or go back with `mlops rollback`",
    )


def _died(what: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the process that runs the model {what}", code="runner_died", hint="ask again in some seconds"
    )
