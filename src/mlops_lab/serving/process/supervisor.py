"""Several workers behind one port: started together, restarted when one dies, stopped together.

One that dies again and again is restarted after longer and longer pauses, as long as another one answers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.serving.process.hangup import follow_hangup
from mlops_lab.serving.process.restarts import MAX_RESTARTS, WINDOW_SECONDS, RestartCounter

STOP_SECONDS = 15.0
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 60.0
"""Before a worker is restarted that has died too often."""
_log = logging.getLogger("mlops_lab.serving")


class Supervisor:
    """Keeps the workers of a server running. They share its socket: when one dies, the others accept the connections
    that it would have accepted. Each worker stops when this process ends."""

    def __init__(self, command: list[str], listener: socket.socket, *, workers: int, with_parent: bool) -> None:
        self._command = command
        self._listener = listener
        self._workers = workers
        self._with_parent = with_parent
        self._stopping = asyncio.Event()
        self._healthy: set[int] = set()
        """The workers that answer."""
        self._failing: set[int] = set()
        """Those that have died too often of late."""
        self._fault: EnvironmentFault | None = None
        self._processes: dict[int, asyncio.subprocess.Process] = {}

    async def run(self, ready: Callable[[], None]) -> None:
        """Run until a signal; `ready` is called when all workers answer. EnvironmentFault if all of them keep dying, or
        one before it has ever answered."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        follow_hangup(reload=self._reload, stop=self._stopping.set)
        if self._with_parent:
            loop.add_reader(sys.stdin.fileno(), self._stop_with_parent)
        started = [asyncio.Event() for _ in range(self._workers)]
        runners = [asyncio.create_task(self._keep_running(worker, started[worker])) for worker in range(self._workers)]
        all_ready = asyncio.create_task(_wait_for_all(started))
        await asyncio.wait([all_ready, *runners], return_when=asyncio.FIRST_COMPLETED)
        if all_ready.done():
            ready()
            await self._stopping.wait()
        all_ready.cancel()
        self._stopping.set()
        await asyncio.gather(*runners)
        if self._fault is not None:
            raise self._fault

    async def _keep_running(self, worker: int, started: asyncio.Event) -> None:
        """Run one worker until all are to stop; restart it when it dies."""
        restarts, pause = RestartCounter(), MIN_PAUSE_SECONDS
        while not self._stopping.is_set():
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *("--worker", str(worker), "--workers", str(self._workers)),
                *("--socket", str(self._listener.fileno()), "--stop-with-parent"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=[self._listener.fileno()],
                process_group=0,  # Ctrl-C goes to this process, which then stops the workers properly
            )
            self._processes[worker] = process
            assert process.stdout is not None
            if await process.stdout.readline():
                started.set()
                self._healthy.add(worker)
            died = asyncio.create_task(process.wait())
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait([died, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            del self._processes[worker]
            self._healthy.discard(worker)
            if not died.done():
                await _stop(process)
            if self._stopping.is_set():
                break
            if restarts.count():
                self._failing.discard(worker)
                pause = MIN_PAUSE_SECONDS
                continue
            self._failing.add(worker)
            if started.is_set() and (self._healthy or len(self._failing) < self._workers):
                _log.error(
                    "worker %d died again (exit code %s), and is restarted in %g seconds: the others go on",
                    *(worker, died.result(), pause),
                )
                await self._wait(pause)
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
            else:
                self._fault = EnvironmentFault(
                    f"workers died more than {MAX_RESTARTS} times within {WINDOW_SECONDS / 60:.0f} minutes, the last "
                    f"one (worker {worker}) with exit code {died.result()}, and none is left",
                    code="workers_die",
                    hint="read the log; no answer is lost",
                )
                self._stopping.set()

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _reload(self) -> None:
        for process in self._processes.values():
            with suppress(ProcessLookupError):  # it has just died
                process.send_signal(signal.SIGHUP)

    def _stop_with_parent(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):  # end of file: the parent's end of the pipe is closed
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._stopping.set()


async def _wait_for_all(events: list[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # it has just died
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def worker_command(root: Path, options: list[str]) -> list[str]:
    """The command that starts a worker of a project."""
    return [sys.executable, "-m", "mlops_lab.serving", str(root), *options]
