"""A runner seen from its parent: a process that is started, asked, watched, and started again where it dies."""

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
import numpy.typing as npt

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.columns import Columns
from mlops_lab.registry.runner.wire import Link, RunnerAnswer, RunnerQuestion, RunnerReady, RunnerSetup, pack_columns

START_SECONDS, ANSWER_SECONDS, ROWS_A_SECOND = 60.0, 10.0, 1_000
"""How long it may take to start, and to answer: the latter, and a second for every so many rows."""
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR", "TZ")
"""What a runner hears of our environment: no password or token that may stand in the rest."""
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
Answers = npt.NDArray[np.float64]


class Runner:
    """The process and the thread that watches over it."""

    def __init__(self, setup: RunnerSetup, *, answer_seconds: float) -> None:
        self._setup = setup
        self._answer_seconds = answer_seconds
        self._numbers: Iterator[int] = itertools.count()
        self._lock, self._sending = threading.Lock(), threading.Lock()  # two: answers are heard while one is sending
        self._waiting: dict[int, Future[RunnerAnswer]] = {}
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
        """Of the process that runs now, or ran last."""
        assert self._process is not None
        return self._process.pid

    def ask(self, columns: Columns, rows: int) -> Answers:
        """The answers, of shape (rows,) or (rows, outputs)."""
        number, future = next(self._numbers), Future[RunnerAnswer]()
        limit = self._answer_seconds + rows / ROWS_A_SECOND
        question = RunnerQuestion(number, rows, pack_columns(columns))
        try:
            with self._lock:
                if (link := self._link) is None:
                    raise _died("is being started again")
                self._waiting[number] = future
            with self._sending:
                link.send(question)
            answer = future.result(limit)
        except TimeoutError:
            self._kill()
            raise EnvironmentFault(
                f"the model did not answer within {limit:g} s; its runner is started again",
                code="runner_slow",
                hint="send fewer rows at once, or choose a faster model",
            ) from None
        except OSError:  # while it was told: the watcher starts it again
            raise _died("died") from None
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if answer.fault is not None:
            raise EnvironmentFault(
                f"the model fails: {answer.fault[:300]}", code="runner_failed", hint="look at the request's values"
            )
        outputs = np.frombuffer(answer.outputs, dtype=np.float64)
        return outputs.reshape(rows, answer.width) if answer.width else outputs.reshape(rows)

    def stop(self) -> None:
        """End the process for good."""
        self._is_stopped.set()
        self._kill()

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _watch(self) -> None:
        """Start it, hear it out, and start it again: sooner where it has answered since."""
        pause = _PAUSE_SECONDS
        while not self._is_stopped.is_set():
            ours, theirs = socket.socketpair()
            with ours, theirs:
                has_answered = self._run(ours, theirs)
            if not self._is_started.is_set():  # the first one has failed: its caller hears why
                self._is_started.set()
                return
            pause = _PAUSE_SECONDS if has_answered else min(2 * pause, _LONGEST_PAUSE_SECONDS)
            self._is_stopped.wait(pause)

    def _run(self, ours: socket.socket, theirs: socket.socket) -> bool:
        """One process from start to end; whether it has answered anything."""
        try:
            process = _launch(theirs)
        except OSError as error:
            self._fault = _no_start(error.strerror or "")
            return False
        theirs.close()
        with self._lock:
            self._process = process
        if self._is_stopped.is_set():  # while it was started
            process.kill()
        link, has_answered = Link(ours), False
        self._fault = _greet(ours, link, self._setup)
        if self._fault is None:
            ours.settimeout(self._answer_seconds)
            with self._lock:
                self._link = link
            self._is_started.set()
            has_answered = self._listen(link)
        self._forget(process)
        return has_answered

    def _listen(self, link: Link) -> bool:
        """Hand on answers until the process is gone; whether there was one."""
        has_answered = False
        while True:
            try:
                answer = link.receive(RunnerAnswer)
            except TimeoutError:  # nothing to hear is nothing wrong
                continue
            except (OSError, ValueError):  # gone, or it does not speak as it should
                return has_answered
            if answer is None:
                return has_answered
            has_answered = True
            with self._lock:
                future = self._waiting.pop(answer.number, None)
            if future is not None:
                future.set_result(answer)

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        """What was under way has failed."""
        process.kill()
        process.wait()
        with self._lock:
            self._link = None
            lost, self._waiting = self._waiting, {}
        for future in lost.values():
            future.set_exception(_died("died"))


def _launch(theirs: socket.socket) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "mlops_lab.registry.runner.main",
            str(theirs.fileno()),
        ],  # -P: not what lies about here
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=kept | _ONE_THREAD,
        start_new_session=True,  # Ctrl-C is for the parent, whose end is its own
    )


def _greet(ours: socket.socket, link: Link, setup: RunnerSetup) -> EnvironmentFault | None:
    """Hand it the model; what is wrong, where it cannot answer."""
    ours.settimeout(START_SECONDS)
    try:
        link.send(setup)
        ready = link.receive(RunnerReady)
    except (OSError, ValueError):
        ready = None
    if ready is None:
        return _no_start(f"it said nothing for {START_SECONDS:g} s, or has died")
    return None if ready.fault is None else _no_start(ready.fault[:500])


def _no_start(why: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the runner of the model does not start: {why}",
        code="engine_failed",
        hint="install what it was trained with (requirements.txt in its package), or go back with `mlops rollback`",
    )


def _died(what: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the process that runs the model {what}", code="runner_died", hint="ask again in some seconds"
    )
