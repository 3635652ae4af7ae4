"""Several workers behind one port: started together, restarted when one dies, stopped together."""

from __future__ import annotations

import asyncio
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


class Supervisor:
    """Keeps the workers of a server running. They share its socket: when one dies, the others accept the connections
    that it would have accepted. Each worker stops when this process ends."""

    def __init__(self, command: list[str], listener: socket.socket, *, workers: int, with_parent: bool) -> None:
        self._command = command
        self._listener = listener
        self._workers = workers
        self._with_parent = with_parent
        self._stopping = asyncio.Event()
        self._restarts = RestartCounter()
        self._fault: EnvironmentFault | None = None
        self._processes: dict[int, asyncio.subprocess.Process] = {}

    async def run(self, ready: Callable[[], None]) -> None:
        """Run until a signal; `ready` is called when all workers answer. EnvironmentFault if they keep dying."""
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
            died = asyncio.create_task(process.wait())
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait([died, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            del self._processes[worker]
            if not died.done():
                await _stop(process)
            elif not self._stopping.is_set() and not self._restarts.count():
                self._fault = EnvironmentFault(
                    f"workers died more than {MAX_RESTARTS} times within {WINDOW_SECONDS / 60:.0f} minutes, the last "
                    f"one (worker {worker}) with exit code {died.result()}",
                    code="workers_die",
                    hint="read the log; no answer is lost",
                )
                self._stopping.set()

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
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def worker_command(root: Path, options: list[str]) -> list[str]:
    """The command that starts a worker of a project."""
    return [sys.executable, "-m", "mlops_lab.serving", str(root), *options]
